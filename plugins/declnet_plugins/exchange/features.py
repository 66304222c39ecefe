"""Pipelines of other libraries as transforms of a spec, their states, and a linear map.

A feature is a sum of numbers that declnet's transforms make of raw columns, each with a factor, and
a constant. Whatever keeps this form is an operation here. In the end, the transforms go into the
spec, and the factors into the first dense layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from declnet import Array, CellFormat, ColumnType, Table
from declnet_plugins.exchange.exporter import FilePredictor
from declnet_plugins.exchange.importer import ImportedTable

ROWS = 256
"""Rows to compare predictions on."""

ENCODERS = ("one_hot", "ordinal")

UNKNOWN_TEXT, UNKNOWN_NUMBER = "\N{WHITE SQUARE}", 1_000_003
"""Categories that no training data is likely to have."""

EXTREMES = (-100.0, -10.0, 10.0, 100.0)
"""Distances from the center of a column of numbers, in units of its spread: small enough that what
other odd cells give is not lost in the tolerance for the largest prediction."""

MISSING = CellFormat().missing


class UnsupportedError(Exception):
    """An operation has no counterpart among the transforms; the message says which and why."""


class Step(NamedTuple):
    """A transform of a column: its type, its fields, and what it learned."""

    type: str
    fields: tuple[tuple[str, Any], ...]
    state: tuple[tuple[str, Any], ...]

    @property
    def learned(self) -> dict[str, Any]:
        """The state by name."""
        return {name: [*v] if isinstance(v, tuple | list) else v for name, v in self.state}


class Prepared(NamedTuple):
    """A raw column after some transforms."""

    column: str
    kind: ColumnType
    steps: tuple[Step, ...] = ()

    @property
    def is_encoded(self) -> bool:
        """Whether the column is categories."""
        return any(step.type in ENCODERS for step in self.steps)

    @property
    def width(self) -> int:
        """How many numbers a row of the column has."""
        is_one_hot = bool(self.steps) and self.steps[-1].type == "one_hot"
        return len(self.steps[-1].learned["categories"]) if is_one_hot else 1

    def then(self, type_: str, fields: Mapping[str, Any], **state: Any) -> Prepared:
        """Return the column after another transform."""
        if self.is_encoded:
            raise UnsupportedError("it prepares categories that are encoded already")
        step = Step(type_, tuple(sorted(fields.items())), tuple(sorted(state.items())))
        return self._replace(steps=(*self.steps, step))


@dataclass(frozen=True)
class Feature:
    """A number of each row: a constant, and factors of numbers of prepared columns."""

    terms: Mapping[tuple[Prepared, int], float] = field(default_factory=dict)
    constant: float = 0.0

    @classmethod
    def of(cls, column: Prepared) -> Feature:
        """Return the only number of a column."""
        return cls({(column, 0): 1.0})

    @property
    def prepared(self) -> Prepared:
        """The column, if the feature is nothing else.

        Raises:
            UnsupportedError: it is a combination of numbers.
        """
        for (column, _), factor in self.terms.items():
            if len(self.terms) == factor == 1 and not self.constant and not column.is_encoded:
                return column
        raise UnsupportedError("it prepares what an encoder or a sum computed")

    @property
    def is_number(self) -> bool:
        """Whether the feature is a column of numbers that is not encoded."""
        try:
            return self.prepared.kind != "text"
        except UnsupportedError:
            return False

    def affine(self, mean: float, std: float) -> Feature:
        """Return (x - mean) / std; a std that is infinite gives 0."""
        if not np.isfinite(std) or not self.is_number:
            terms = {} if not np.isfinite(std) else {t: c / std for t, c in self.terms.items()}
            return Feature(terms, (self.constant - mean) / std)
        column = self.prepared
        last = column.steps[-1] if column.steps else None
        if last is not None and last.type == "standardize":
            before = last.learned
            column = column._replace(steps=column.steps[:-1])
            mean, std = before["mean"] + mean * before["std"], before["std"] * std
        return Feature.of(column.then("standardize", {}, mean=float(mean), std=float(std)))

    def clip(self, low: float, high: float) -> Feature:
        """Return x within a range, as a `min_max` that clips."""
        column = self.prepared
        last = column.steps[-1] if column.steps else None
        mean, std = 0.0, 1.0
        if last is not None and last.type == "standardize":
            mean, std = last.learned["mean"], last.learned["std"]
            column = column._replace(steps=column.steps[:-1])
        if not (np.isfinite([low, high]).all() and low < high and std > 0):
            raise UnsupportedError(f"it clips to {low:g} and {high:g}, which is not a range")
        fields = {"low": float(low), "high": float(high), "clip": True}
        ends = {"min": float(low * std + mean), "max": float(high * std + mean)}
        return Feature.of(column.then("min_max", fields, **ends))

    def impute(self, value: float | str, strategy: str) -> Feature:
        """Return x with missing values replaced.

        Args:
            value: what replaces them.
            strategy: as `impute` calls it.
        """
        fields = {"strategy": strategy} | ({"value": value} if strategy == "constant" else {})
        if isinstance(value, str) != (self.prepared.kind == "text"):
            raise UnsupportedError(f"{value!r} does not fill a column of {self.prepared.kind}s")
        if isinstance(value, float) and not np.isfinite(value):
            raise UnsupportedError(f"it fills gaps with {value:g}")
        return Feature.of(self.prepared.then("impute", fields, value=value))

    def one_hot(self, categories: Sequence[Any], *, unknown: str) -> list[Feature]:
        """Return 1 or 0 for each category.

        Args:
            categories: texts, or integers.
            unknown: `"zeros"` or `"error"`, for other and for missing values.
        """
        column = self.prepared
        fields = {"unknown": unknown, "missing": unknown, **_most(categories)}
        encoded = column.then("one_hot", fields, categories=_categories(column, categories))
        return [Feature({(encoded, at): 1.0}) for at in range(len(categories))]

    def encode(
        self, categories: Sequence[Any], values: Sequence[float], default: float | None
    ) -> Feature:
        """Return a number for each category, as an ordinal encoder does.

        Args:
            categories: texts, or integers.
            values: their numbers.
            default: for other and for missing values; None if they are errors.
        """
        column = self.prepared
        count = len(categories)
        if [*values] == [*range(count)] and default in (None, count):
            is_known = default is None
            unknown = ("error", "error") if is_known else ("index", "unknown")
            fields = dict(zip(("unknown", "missing"), unknown, strict=True)) | _most(categories)
            return Feature.of(
                column.then("ordinal", fields, categories=_categories(column, categories))
            )
        if default is not None and not np.isfinite(default):
            raise UnsupportedError(f"it encodes other values as {default:g}")
        unknown_is = "error" if default is None else "zeros"
        base = 0.0 if default is None else default
        parts = self.one_hot(categories, unknown=unknown_is)
        terms = {
            term: value - base
            for part, value in zip(parts, values, strict=True)
            for term in part.terms
        }
        return Feature(terms, base)


def _most(categories: Sequence[Any]) -> dict[str, int]:
    """Return the field that allows many categories, if there are."""
    return {"most_categories": len(categories)} if len(categories) > 1000 else {}


def _categories(column: Prepared, categories: Sequence[Any]) -> tuple[Any, ...]:
    """Return the categories of a column as declnet has them.

    Raises:
        UnsupportedError: they are missing values, or texts that declnet reads as such and does not
            fill with the same; fractions, not distinct, or of another type.
    """
    plain = tuple(
        category.item() if isinstance(category, np.generic) else category for category in categories
    )
    for category in plain:
        if category is None or category != category:  # noqa: PLR0124  # NaN
            raise UnsupportedError("missing values are among its categories")
        is_text = isinstance(category, str)
        if is_text != (column.kind == "text"):
            raise UnsupportedError(
                f'{category!r} is not a category of the column "{column.column}"'
            )
        if is_text and (category != category.strip() or not category):
            raise UnsupportedError(f"the category {category!r} has spaces, which declnet strips")
        if category in MISSING and category != _learned(column).get("value"):
            raise UnsupportedError(f"the category {category!r} means a missing value in declnet")
        if not is_text and not float(category).is_integer():
            raise UnsupportedError(f"the category {category!r} is neither text nor an integer")
    whole = plain if column.kind in ("text", "boolean") else tuple(map(int, plain))
    if len(set(whole)) < len(whole) or not whole:
        raise UnsupportedError("its categories are not distinct")
    return whole


@dataclass(frozen=True, eq=False)
class PreparedTable:
    """The preparation of a table, and what the features are of it.

    Attributes:
        columns: the prepared columns in order.
        factors: (numbers, features), and
        offsets: (features,), so that the features are x @ factors + offsets for prepared rows x.
    """

    columns: tuple[Prepared, ...]
    factors: Array = field(default_factory=lambda: np.zeros((0, 0)))
    offsets: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, features: Sequence[Feature]) -> PreparedTable:
        """Return the preparation of some features.

        Raises:
            UnsupportedError: a column is prepared in two ways, or a feature is text.
        """
        columns = [*dict.fromkeys(column for feature in features for column, _ in feature.terms)]
        names = [column.column for column in columns]
        for column in columns:
            if names.count(column.column) > 1:
                raise UnsupportedError(f'the column "{column.column}" is prepared in two ways')
            if column.kind == "text" and not column.is_encoded:
                raise UnsupportedError(f'the column "{column.column}" of texts is not encoded')
        if not columns:
            raise UnsupportedError("it reads no column")
        ends = np.cumsum([0, *(column.width for column in columns)])
        starts = dict(zip(columns, ends, strict=False))
        factors = np.zeros((ends[-1], len(features)))
        for at, feature in enumerate(features):
            for (column, part), factor in feature.terms.items():
                factors[starts[column] + part, at] = factor
        return cls(tuple(columns), factors, np.array([feature.constant for feature in features]))

    @classmethod
    def from_plain(cls, columns: Any) -> PreparedTable:
        """Return a table whose features do not matter, from what `plain` returns."""
        return cls(TypeAdapter(tuple[Prepared, ...]).validate_python(columns))

    def plain(self) -> Any:
        """Return the columns as values that JSON has, and NaN and infinity."""
        return TypeAdapter(tuple[Prepared, ...]).dump_python(self.columns)

    @cached_property
    def steps(self) -> list[tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
        """Each transform as in a spec, with what it learned, by column."""
        steps = []
        for level in range(max(len(column.steps) for column in self.columns)):
            together: dict[str, tuple[Step, dict[str, dict[str, Any]]]] = {}
            for column in self.columns:
                if level < len(column.steps):
                    step = column.steps[level]
                    _, states = together.setdefault(f"{step.type} {step.fields}", (step, {}))
                    states[column.column] = step.learned
            for step, states in together.values():
                steps.append(
                    ({"type": step.type, **dict(step.fields), "columns": [*states]}, states)
                )
        return steps

    @property
    def sections(self) -> dict[str, Any]:
        """The section `data` of a spec, if there are transforms."""
        return {"data": {"prepare": [step for step, _ in self.steps]}} if self.steps else {}

    @property
    def states(self) -> list[dict[str, dict[str, Any]]]:
        """What each transform learned, by column."""
        return [states for _, states in self.steps]

    @property
    def is_identity(self) -> bool:
        """Whether the features are the prepared rows."""
        rows, columns = self.factors.shape
        same = rows == columns and np.array_equal(self.factors, np.eye(rows))
        return same and not self.offsets.any()

    def dense(self, weights: Array, biases: Array | None) -> tuple[Array, Array | None]:
        """Return weights (numbers, units) and biases for prepared rows, given the features'."""
        offsets = self.offsets @ weights
        if biases is None and not offsets.any():
            return self.factors @ weights, None
        return self.factors @ weights, offsets + (0 if biases is None else biases)

    def imported(self, classes: Sequence[Any] | None, predict: FilePredictor) -> ImportedTable:
        """Return the table with rows made from what the transforms learned.

        Args:
            classes: the classes in the order of the outputs; None for values.
            predict: what the original predicts.
        """
        rng, target = np.random.default_rng(0), "y"
        columns = {column.column: _drawn(column, rng) for column in self.columns}
        while target in columns:
            target += "_"
        if classes is None:
            columns[target], known = rng.standard_normal(ROWS), {}
        else:
            kind = object if isinstance(classes[0], str) else None
            columns[target] = np.array(classes, kind)[np.arange(ROWS) % len(classes)]
            known = {target: tuple(classes)}
        rows = Table(columns, target=target, classes=known)
        return ImportedTable(rows, self.states, self._odd_rows(rows), predict)

    def _odd_rows(self, rows: Table) -> Table:
        """Return rows that have one odd cell each: missing, unknown, or extreme."""
        changes = [(column.column, cell) for column in self.columns for cell in _odd(column)]
        table = rows.take(np.arange(len(changes)) % len(rows))
        columns = {name: np.array(array) for name, array in table.columns.items()}
        for row, (name, cell) in enumerate(changes):
            columns[name][row] = cell
        return Table(columns, target=rows.target, classes=rows.classes)


def _drawn(column: Prepared, rng: np.random.Generator) -> Array:
    """Return cells for a column, (ROWS,)."""
    learned = _learned(column)
    if "categories" in learned:
        kind = object if column.kind == "text" else bool if column.kind == "boolean" else float
        cells = np.array(learned["categories"], kind)[
            rng.integers(len(learned["categories"]), size=ROWS)
        ]
    else:
        center, spread = _range(column)
        cells = center + spread * rng.standard_normal(ROWS)
        cells = cells.astype(np.float32).astype(float)  # as other libraries may take them
    if column.kind == "boolean":
        return cells.astype(bool)
    return np.round(cells).astype(np.int64) if column.kind == "integer" else cells


def _learned(column: Prepared) -> dict[str, Any]:
    return {key: value for step in column.steps for key, value in step.learned.items()}


def _range(column: Prepared) -> tuple[float, float]:
    """Return about where the numbers of a column are, and how far they vary."""
    learned = _learned(column)
    if "std" in learned:
        return learned["mean"], abs(learned["std"])
    if "min" in learned:
        return (learned["min"] + learned["max"]) / 2, (learned["max"] - learned["min"]) / 2
    value = learned.get("value", 0.0)
    return value, max(1.0, abs(value) / 2)


def _odd(column: Prepared) -> list[Any]:
    """Return odd cells for a column; integers and booleans have no missing values."""
    if column.kind == "text":
        return [UNKNOWN_TEXT, None]
    missing = [np.nan] if column.kind == "number" else []
    if column.kind == "boolean":
        return []
    if column.is_encoded:
        return [UNKNOWN_NUMBER, *missing]
    center, spread = _range(column)
    extremes = [float(np.float32(center + spread * factor)) for factor in EXTREMES]
    return [*(map(round, extremes) if column.kind == "integer" else extremes), *missing]
