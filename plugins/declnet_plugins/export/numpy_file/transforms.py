"""Transforms in NumPy; each function computes the transform of that name."""

from __future__ import annotations

from math import erf, prod, sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import (
    Array,
    class_name,
    missing_values,
    read_dates,
)
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.transforms.categories import GroupRare, OneHot, Ordinal
from declnet_plugins.standard.transforms.dates import FROM_ONE, PERIODS, Datetime, part_of
from declnet_plugins.standard.transforms.impute import Impute
from declnet_plugins.standard.transforms.quantile import EDGE, Quantile, normal_quantiles, ranks
from declnet_plugins.standard.transforms.text import (
    FIRST,
    UNKNOWN,
    Tokenize,
    sequences,
    tokens_of,
    weighted,
)
from declnet_plugins.tabular.transforms.categories import SignedOneHot
from declnet_plugins.tabular.transforms.numbers import QuantileNormal


def by_number(x: Array, quantiles: Array) -> Any:
    """Yield the numbers of all samples at each place, with the quantiles of that place."""
    rows = x.astype(float).reshape(len(x), prod(x.shape[1:]))
    return zip(rows.T, quantiles.reshape(len(quantiles), -1).T)


def quantile(x: Array, *, quantiles: Array, distribution: str) -> Array:
    shares = np.stack([ranks(numbers, edges) for numbers, edges in by_number(x, quantiles)], axis=1)
    if distribution == "normal":
        shares = normal_quantiles(EDGE + (1 - 2 * EDGE) * shares)
    return shares.reshape(x.shape)


def from_quantile(y: Array, *, quantiles: Array, distribution: str) -> Array:
    shares = y.astype(float)
    if distribution == "normal":
        below = [0.5 * (1 + erf(share / sqrt(2))) for share in shares.ravel().tolist()]
        shares = (np.array(below).reshape(y.shape) - EDGE) / (1 - 2 * EDGE)
    known = np.linspace(0, 1, len(quantiles))
    if quantiles.ndim == 1:
        return np.asarray(np.interp(shares, known, quantiles))
    columns = [np.interp(numbers, known, edges) for numbers, edges in by_number(shares, quantiles)]
    return np.stack(columns, axis=1).reshape(y.shape)


def quantile_normal(x: Array, *, quantiles: Array) -> Array:
    columns = []
    for numbers, edges in by_number(x, quantiles):
        shares = ranks(numbers, edges)
        shares[numbers - EDGE < edges[0]] = 0
        shares[numbers + EDGE > edges[-1]] = 1
        columns.append(normal_quantiles(shares))
    return np.stack(columns, axis=1).reshape(x.shape)


def impute(x: Array, *, value: Any, infinite: bool) -> Array:
    if infinite and x.dtype.kind == "f":
        x = np.where(np.isinf(x), np.nan, x)
    gaps, x = missing_values(x), x.copy()
    x[gaps] = np.broadcast_to(value, x.shape)[gaps] if np.ndim(value) else value
    return x


def positions(x: Array, categories: list[Any]) -> Array:
    """Return the category of each row, -1 for all other values."""
    position_of = {category: position for position, category in enumerate(categories)}
    return np.array([position_of.get(value, -1) for value in x.tolist()], int)


def fractions(x: Array) -> Array:
    """Return which rows have numbers that are not integers, which cannot be categories."""
    if x.dtype.kind != "f":
        return np.zeros(len(x), bool)
    whole = np.isfinite(x) & (np.floor(x) == x)
    return np.asarray(~whole & ~np.isnan(x))


def category_refuses(x: Array, *, categories: list[Any], unknown: str, missing: str) -> Array:
    gaps = missing_values(x)
    refused = fractions(x)
    if unknown == "error":
        refused |= (positions(x, categories) < 0) & ~gaps
    if missing == "error" or (missing == "unknown" and unknown == "error"):
        refused |= gaps
    return refused


def one_hot(x: Array, *, categories: list[Any]) -> Array:
    places = positions(x, categories)
    return np.asarray(places[:, None] == np.arange(len(categories)))


def signed_one_hot(x: Array, *, categories: list[Any]) -> Array:
    rows = one_hot(x, categories=categories).astype(float)
    return rows[:, :1] - rows[:, 1:] if rows.shape[1] == 2 else rows


def ordinal(x: Array, *, categories: list[Any], unknown: str) -> Array:
    places = positions(x, categories)
    return np.where(places < 0, len(categories) if unknown == "index" else 0, places)


def group_rare(x: Array, *, categories: list[Any], names: list[str]) -> Array:
    y = np.array(names, object)[positions(x, categories)]  # -1 is the last
    y[missing_values(x)] = None
    return y


def group_rare_refuses(x: Array) -> Array:
    return fractions(x)


def date_parts(
    x: Array, *, form: str, parts: list[str], start: float, periods: dict[str, float], cycles: bool
) -> Array:
    moments = read_dates(x, form)
    columns = []
    for part in parts:
        values = part_of(moments, part, start)
        if cycles and part in periods:
            angles = 2 * np.pi * (values - (part in FROM_ONE)) / periods[part]
            columns += [np.sin(angles), np.cos(angles)]
        else:
            columns.append(values)
    return np.stack(columns, axis=1)


def date_refuses(x: Array, *, form: str) -> Array:
    return np.asarray(np.isnat(read_dates(x, form)) & ~missing_values(x))


def tokenize(
    x: Array,
    *,
    tokens: list[str],
    length: int,
    unit: str,
    lowercase: bool,
    ngrams: int,
    cut: str,
) -> tuple[Array, ...]:
    """Return an integer for each token, (n, length), and how many each row has."""
    return sequences(numbered(x, tokens, unit, lowercase, ngrams), length, cut)


def tokenize_weighted(
    x: Array,
    *,
    tokens: list[str],
    length: int,
    unit: str,
    lowercase: bool,
    ngrams: int,
    factors: Array,
) -> tuple[Array, ...]:
    """Return the distinct tokens of each row, (n, length), how many it has, and their weights."""
    return weighted(numbered(x, tokens, unit, lowercase, ngrams), length, factors)


def numbered(
    x: Array, tokens: list[str], unit: str, lowercase: bool, ngrams: int
) -> list[list[int]]:
    """Return the integers of the tokens of each row."""
    number_of = {token: number for number, token in enumerate(tokens, FIRST)}
    rows = [tokens_of(text or "", unit, lowercase, ngrams) for text in x.tolist()]
    return [[number_of.get(token, UNKNOWN) for token in row] for row in rows]


def tokenize_refuses(x: Array, *, missing: str) -> Array:
    return missing_values(x) & (missing == "error")


class NumpyTransforms(NumpyTranslation):
    """Transforms of columns, and their inverses for targets."""

    functions: ClassVar[Any] = {
        Quantile: quantile,
        Impute: impute,
        OneHot: one_hot,
        Ordinal: ordinal,
        GroupRare: group_rare,
        Datetime: date_parts,
    }
    inverses: ClassVar[Any] = {
        Quantile: from_quantile,
    }
    refusals: ClassVar[Any] = {
        OneHot: category_refuses,
        Ordinal: category_refuses,
        GroupRare: group_rare_refuses,
        Datetime: date_refuses,
    }
    replaces = tuple(functions)

    def options(self, component: Any, site: TranslationSite) -> dict[str, Any]:
        """Return the names of the categories that are kept, and the cycles of dates."""
        if isinstance(component, GroupRare):
            return {"names": [*map(class_name, site.state["categories"]), component.other]}
        if isinstance(component, Datetime):
            periodic = [part for part in site.state["parts"] if part in PERIODS]
            return {"periods": {part: PERIODS[part] for part in periodic}}
        return {}


class NumpyTokenize(NumpyTranslation):
    """Texts; values, lengths and weights of tokens are separate results."""

    replaces = (Tokenize,)

    def translate(self, component: Tokenize, site: TranslationSite) -> tuple[Any, ...]:
        """Write a call of the function that suits the weights, and one for each of its results."""
        writer, function = site.writer, tokenize if component.weights is None else tokenize_weighted
        refusal = self.keywords_of(tokenize_refuses, component, site)
        writer.refuse(tokenize_refuses, site.name, *site.inputs, **refusal)
        options = self.keywords_of(function, component, site)
        results = writer.call(function, site.name, *site.inputs, **options)
        names = ("values", "lengths", "weights")[: site.results]
        return tuple(
            writer.call(part, f"{site.name}.{name}", results, number=number)
            for number, name in enumerate(names)
        )


def part(results: tuple[Array, ...], *, number: int) -> Array:
    return results[number]


class NumpyTabularTransforms(NumpyTranslation):
    """Transforms of the package for tables."""

    functions: ClassVar[Any] = {
        QuantileNormal: quantile_normal,
        SignedOneHot: signed_one_hot,
    }
    refusals: ClassVar[Any] = {SignedOneHot: category_refuses}
    replaces = tuple(functions)
