"""Transforms in NumPy; each function computes the transform of that name."""

from __future__ import annotations

import re
import unicodedata
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
from declnet_plugins.standard.transforms.text import FIRST, PADDING, UNKNOWN, WORDS, Tokenize
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


def tokens_of(text: str, unit: str, lowercase: bool) -> list[str]:
    text = unicodedata.normalize("NFC", text)
    text = text.lower() if lowercase else text
    return re.findall(WORDS, text) if unit == "words" else list(text)


def tokenize(
    x: Array,
    *,
    tokens: list[str],
    length: int,
    unit: str,
    lowercase: bool,
    cut: str,
) -> tuple[Array, Array]:
    """Return an integer for each token, (n, length), and how many each row has."""
    number_of = {token: number for number, token in enumerate(tokens, FIRST)}
    values, lengths = np.full((len(x), length), PADDING), np.empty(len(x), int)
    for position, text in enumerate(x.tolist()):
        row = tokens_of(text or "", unit, lowercase)
        cut_row = row[:length] if cut == "end" else row[-length:]
        numbers = [number_of.get(token, UNKNOWN) for token in cut_row] or [UNKNOWN]
        values[position, : len(numbers)] = numbers
        lengths[position] = len(numbers)
    return values, lengths


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
        Tokenize: tokenize,
    }
    inverses: ClassVar[Any] = {
        Quantile: from_quantile,
    }
    refusals: ClassVar[Any] = {
        OneHot: category_refuses,
        Ordinal: category_refuses,
        GroupRare: group_rare_refuses,
        Datetime: date_refuses,
        Tokenize: tokenize_refuses,
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

    def translate(self, component: Any, site: TranslationSite) -> tuple[Any, ...]:
        """Write a call of the function; the values and lengths of tokens are two results."""
        results = super().translate(component, site)
        if not isinstance(component, Tokenize):
            return results
        call = site.writer.call
        return (
            call(first, f"{site.name}.values", *results),
            call(second, f"{site.name}.lengths", *results),
        )


def first(pair: tuple[Array, Array]) -> Array:
    return pair[0]


def second(pair: tuple[Array, Array]) -> Array:
    return pair[1]


class NumpyTabularTransforms(NumpyTranslation):
    """Transforms of the package for tables."""

    functions: ClassVar[Any] = {
        QuantileNormal: quantile_normal,
        SignedOneHot: signed_one_hot,
    }
    refusals: ClassVar[Any] = {SignedOneHot: category_refuses}
    replaces = tuple(functions)
