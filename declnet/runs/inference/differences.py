"""How far the predictions of two models differ for the same rows, read in parts.

Memory grows only with the numbers that may differ by more than the tolerance, which are kept: it
grows with the largest number of a column, so what is within it once remains so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table, class_name
from declnet.contracts.returned import verified
from declnet.contracts.runs.prediction_source import PredictedRows
from declnet.data.sources.files import file_source, naming, with_settings
from declnet.errors import DataError
from declnet.runs.inference.opened_model import OpenedModel

ROWS = 1 << 13
"""Rows that are compared at a time."""

RTOL, ATOL = 1e-4, 1e-6
"""The default tolerances; the first one is what float32 explains, as a share of the largest number
of a column."""


@dataclass(frozen=True)
class ValueDifference:
    """A value that differs.

    Attributes:
        row: the number of the row, from 1.
        output: the column of predictions.
        first: what the first model predicts: a number, or a class as text.
        second: what the second one predicts.
    """

    row: int
    output: str
    first: float | str | None
    second: float | str | None


@dataclass(frozen=True)
class OutputDifference:
    """The differences of one column of predictions.

    Attributes:
        output: the column.
        is_label: whether it holds classes rather than numbers.
        rows: how many rows differ by more than the tolerance.
        largest: the largest difference of numbers, or the first class that differs; None if there
            is none.
        absolute: the largest difference; of classes 0.
        relative: the same as a share of the column's largest number.
    """

    output: str
    is_label: bool
    rows: int
    largest: ValueDifference | None
    absolute: float = 0.0
    relative: float = 0.0


@dataclass(frozen=True)
class Unpredicted:
    """Rows that could not be predicted.

    Attributes:
        count: how many there are.
        rows: the numbers of the first ones.
        reason: why the first one could not; empty if it is not known.
    """

    count: int = 0
    rows: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class PredictionDifferences:
    """How the predictions of two models differ.

    Attributes:
        rows: the number of rows.
        compared: how many of them both predicted.
        only_first: rows that the first one predicts, and the second one cannot.
        only_second: the reverse.
        neither: rows that none can predict.
        outputs: the differences by column of predictions.
        missing: for each model, the columns that only the other one has.
        first_rows: the first values that differ by more than the tolerance.
        rtol: the tolerance as a share of a column's largest number.
        atol: the tolerance in addition to it.
    """

    rows: int
    compared: int
    only_first: Unpredicted
    only_second: Unpredicted
    neither: Unpredicted
    outputs: tuple[OutputDifference, ...]
    missing: tuple[tuple[str, ...], tuple[str, ...]]
    first_rows: tuple[ValueDifference, ...]
    rtol: float
    atol: float

    @property
    def are_equal(self) -> bool:
        """Whether both predict the same rows and columns, up to the tolerance."""
        alone = self.only_first.count or self.only_second.count
        return not (alone or any(self.missing) or any(output.rows for output in self.outputs))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain values, for programs."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return [plain(item) for item in value]
            if hasattr(value, "__dataclass_fields__"):
                return {name: plain(item) for name, item in vars(value).items()}
            return value

        return {"equal": self.are_equal, **plain(self)}


def compared_predictions(
    first: OpenedModel,
    second: OpenedModel,
    data: Path | DataSource,
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    limit: int = 10,
) -> PredictionDifferences:
    """Compare the predictions of two models.

    Args:
        first: a model.
        second: another one.
        data: a file or source with the columns that they need, or with arrays.
        rtol: how far numbers may differ, as a share of the largest number of their column that the
            first model predicts.
        atol: how far they may differ in addition.
        limit: the most values that `first_rows` has.

    Raises:
        DataError: the data cannot be read, has no rows, lacks a column, or has no row that any of
            the models predicts.
        ComponentError: a component failed or broke its contract.
    """
    comparison = _Comparison(rtol, atol, limit)
    like = first.like or second.like
    with naming(data, like):
        for part in _parts(data, like, first, second):
            comparison.add(part, first.predict(part), second.predict(part))
        if not comparison.rows:
            raise DataError("there are no samples")
        result = comparison.result()
        if result.neither.count == result.rows:
            raise DataError(f"neither model predicts any of its rows: {result.neither.reason}")
    return result


def _parts(
    data: Path | DataSource, like: DataSource | None, *models: OpenedModel
) -> Iterator[Table]:
    """Yield the rows, as text in all columns that a model needs, or arrays as columns."""
    registry = models[0].registry
    source = data if isinstance(data, DataSource) else file_source(data, registry, like)
    source = verified(DataSource.with_target, source, None)
    text: ColumnType = "text"
    types = {name: text for model in models for name in model.column_types or ()}
    if types:
        source = verified(DataSource.with_types, source, types)
        if all(model.column_types is not None for model in models):
            source = verified(DataSource.with_columns, source, [*types])
        source = verified(DataSource.with_unreadable_cells, source)
    rng, number = np.random.Generator(np.random.PCG64(0)), 1

    def read() -> Iterator[Any]:
        return verified(DataSource.input_chunks, source, rng, ROWS)

    for chunk in with_settings(read, data, like):
        samples = chunk if isinstance(chunk, Dataset | Table) else Dataset(chunk, {})
        yield samples.numbered_from(number).records
        number += len(samples)


@dataclass
class _Numbers:
    """A column of numbers so far: its scale, its largest difference, and what may differ."""

    rtol: float
    atol: float
    scale: float = 0.0
    absolute: float = 0.0
    largest: tuple[int, float, float] | None = None
    candidates: list[tuple[Array, Array, Array]] = field(default_factory=list)

    def add(self, rows: Array, first: Array, second: Array) -> None:
        a, b = first.astype(float), second.astype(float)
        finite = np.abs(a[np.isfinite(a)])
        self.scale = max(self.scale, float(finite.max(initial=0.0)))
        with np.errstate(invalid="ignore"):
            difference = np.abs(a - b)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        difference[same] = 0.0
        difference[np.isnan(difference)] = np.inf
        if len(rows) and difference.max() > self.absolute:
            at = int(difference.argmax())
            self.absolute, self.largest = float(difference[at]), (int(rows[at]), a[at], b[at])
        beyond = difference > self._tolerance
        if beyond.any():
            self.candidates.append((rows[beyond], a[beyond], b[beyond]))

    @property
    def _tolerance(self) -> float:
        return self.atol + self.rtol * self.scale

    def differing(self, limit: int) -> tuple[int, list[tuple[int, float, float]]]:
        """Return how many differences are beyond the tolerance, and the first: row and values."""
        count, first = 0, list[tuple[int, float, float]]()
        for rows, a, b in self.candidates:
            beyond = np.flatnonzero(~(np.abs(a - b) <= self._tolerance))
            count += len(beyond)
            at = beyond[: limit - len(first)]
            first += zip(rows[at].tolist(), a[at].tolist(), b[at].tolist(), strict=True)
        return count, first


@dataclass
class _Labels:
    """A column of classes so far: how many rows differ, and the first ones."""

    limit: int
    count: int = 0
    first: list[tuple[int, str | None, str | None]] = field(default_factory=list)

    def add(self, rows: Array, first: Array, second: Array) -> None:
        a, b = ([None if v is None else class_name(v) for v in x.tolist()] for x in (first, second))
        for row, one, other in zip(rows.tolist(), a, b, strict=True):
            if one != other:
                self.count += 1
                if len(self.first) < max(1, self.limit):
                    self.first.append((row, one, other))

    def differing(self, _: int) -> tuple[int, list[tuple[int, str | None, str | None]]]:
        """Return how many rows differ, and the first: row and classes."""
        return self.count, self.first


MOST_ROWS = 5
"""Rows without a prediction that are named, at most."""


class _Comparison:
    """The comparison of the parts so far."""

    def __init__(self, rtol: float, atol: float, limit: int) -> None:
        self.rtol, self.atol, self._limit = rtol, atol, limit
        self.rows = self.compared = 0
        self._columns: dict[str, _Numbers | _Labels] = {}
        self._names: tuple[dict[str, None], dict[str, None]] = ({}, {})
        self._unpredicted = [Unpredicted()] * 3

    def add(self, part: Table, first: PredictedRows, second: PredictedRows) -> None:
        """Compare the predictions for a part of the rows."""
        numbers = np.asarray(part.row_numbers)
        self.rows += len(numbers)
        failed = [np.zeros(len(numbers), bool) for _ in range(2)]
        for flags, predicted in zip(failed, (first, second), strict=True):
            flags[list(predicted.errors)] = True
        for which, flags in enumerate(
            (~failed[0] & failed[1], failed[0] & ~failed[1], failed[0] & failed[1])
        ):
            errors = second.errors if which == 0 else first.errors
            self._unpredicted[which] = _extended(self._unpredicted[which], flags, numbers, errors)
        both = ~(failed[0] | failed[1])
        self.compared += int(both.sum())
        if not both.any():
            return
        self._names[0].update(dict.fromkeys(first.columns))
        self._names[1].update(dict.fromkeys(second.columns))
        for name in first.columns.keys() & second.columns.keys():
            a, b = first.columns[name][both], second.columns[name][both]
            self._column(name, first, second).add(numbers[both], a, b)

    def _column(self, name: str, first: PredictedRows, second: PredictedRows) -> _Numbers | _Labels:
        if name not in self._columns:
            is_label = name in first.labels | second.labels
            numbers = _Numbers(self.rtol, self.atol)
            self._columns[name] = _Labels(self._limit) if is_label else numbers
        return self._columns[name]

    def result(self) -> PredictionDifferences:
        """Return what differs."""
        outputs, differing = list[OutputDifference](), list[ValueDifference]()
        for name in self._names[0]:
            column = self._columns.get(name)
            if column is None:
                continue
            count, values = column.differing(self._limit)
            differing += [ValueDifference(row, name, a, b) for row, a, b in values[: self._limit]]
            if isinstance(column, _Labels):
                example = ValueDifference(values[0][0], name, *values[0][1:]) if values else None
                outputs.append(OutputDifference(name, True, count, example))
                continue
            largest, absolute = column.largest, column.absolute
            row, a, b = largest or (0, None, None)
            example = ValueDifference(row, name, a, b) if largest is not None else None
            relative = absolute / column.scale if column.scale else float(absolute and np.inf)
            outputs.append(OutputDifference(name, False, count, example, absolute, relative))
        order = {output.output: at for at, output in enumerate(outputs)}
        differing.sort(key=lambda value: (value.row, order[value.output]))
        first, second = self._names
        return PredictionDifferences(
            rows=self.rows,
            compared=self.compared,
            only_first=self._unpredicted[0],
            only_second=self._unpredicted[1],
            neither=self._unpredicted[2],
            outputs=tuple(outputs),
            missing=(
                tuple(name for name in second if name not in first),
                tuple(name for name in first if name not in second),
            ),
            first_rows=tuple(differing[: self._limit]),
            rtol=self.rtol,
            atol=self.atol,
        )


def _extended(known: Unpredicted, flags: Array, numbers: Array, errors: Any) -> Unpredicted:
    """Return rows without predictions, extended by another part's."""
    positions = np.flatnonzero(flags)
    if not len(positions):
        return known
    reason = known.reason if known.count else errors.get(int(positions[0]), "")
    rows = (*known.rows, *numbers[positions][: MOST_ROWS - len(known.rows)].tolist())
    return Unpredicted(known.count + len(positions), rows, reason)
