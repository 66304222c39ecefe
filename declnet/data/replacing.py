"""Raw columns of a data set, and prepared samples in which some of them have other values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.network.inputs import UNNAMED, Inputs, as_arrays
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.splits import Data
from declnet.errors import DataError


def raw_columns(data: Data) -> dict[str, Array]:
    """Return the columns (n,) of a table, or of the numbers of samples with at most one axis."""
    arrays = data.records.columns
    return {
        column: np.asarray(arrays[name]) if position is None else arrays[name][:][:, position]
        for column, (name, position) in _numbers(data).items()
    }


def column_names(data: Data) -> tuple[str, ...]:
    """Return the names of `raw_columns`."""
    return tuple(_numbers(data))


def _numbers(data: Data) -> dict[str, tuple[str, int | None]]:
    """Return where each column (n,) is: its array and its position, None for a whole array."""
    numbers: dict[str, tuple[str, int | None]] = {}
    for name, array in data.records.columns.items():
        if array.ndim == 1:
            numbers[name] = (name, None)
        elif array.ndim == 2:
            names = (
                data.feature_names if isinstance(data, Dataset) and UNNAMED in data.inputs else None
            )
            if names is None or len({*names}) != array.shape[1]:
                names = tuple(f"{name}[{index}]" for index in range(array.shape[1]))
            numbers |= {column: (name, index) for index, column in enumerate(names)}
    return numbers


class _Span(NamedTuple):
    """The positions of a column's numbers in prepared samples; all of an input if it is alone."""

    name: str
    start: int
    stop: int
    alone: bool


class Replacer:
    """A preparation of samples with other values in some columns.

    Attributes:
        features: the columns whose values can be replaced.

    Args:
        preparation: the run's.
        raw: the samples before their preparation.
    """

    def __init__(self, preparation: FittedPreparation, raw: Data) -> None:
        self._preparation, self._raw = preparation, raw
        self._numbers = _numbers(raw) if isinstance(raw, Dataset) else {}
        self._spans: dict[str, _Span] = {}
        if isinstance(raw, Table) and preparation.windows is None:
            self._spans = _spans(preparation, raw.take(np.zeros(1, np.intp)))
        self.features = tuple(self._spans or self._numbers)

    def replaced(self, x: Inputs, positions: Array, values: Mapping[str, Array]) -> Inputs:
        """Return prepared samples with other values in some columns, in new arrays.

        Args:
            x: the prepared samples (m, …) of each input at these positions.
            positions: (m,).
            values: (m,) each, as in the raw columns; those that are not `features` change nothing.

        Raises:
            DataError: a value cannot be prepared.
        """
        values = {name: column for name, column in values.items() if name in self.features}
        if self._numbers:
            return self._of_arrays(positions, values)
        for name, column in values.items():
            x = self._with_column(x, name, column)
        return x

    def _of_arrays(self, positions: Array, values: Mapping[str, Array]) -> Inputs:
        records = self._raw.records
        inputs = {name: np.array(array[positions]) for name, array in records.columns.items()}
        for column, replacing in values.items():
            name, index = self._numbers[column]
            inputs[name][... if index is None else (slice(None), index)] = replacing
        return self._preparation.apply(replace(records, columns=inputs, rows=None))

    def _with_column(self, x: Inputs, name: str, values: Array) -> Inputs:
        span, preparation = self._spans[name], self._preparation
        if preparation.types is None:  # then there are no spans
            raise DataError("the model was trained on arrays")
        types = {name: preparation.types[name]}
        columns, sequences = preparation.transformed(Table({name: values}), types)
        prepared, arrays = columns[name], as_arrays(x)
        if span.alone:
            arrays[span.name] = prepared
            arrays.update(sequences[name].other_inputs(span.name))
        else:
            _require_numbers(prepared, name)
            changed = arrays[span.name].copy()
            changed[:, span.start : span.stop] = prepared.reshape(len(prepared), -1)
            arrays[span.name] = changed
        return arrays


def _require_numbers(column: Array, name: str) -> None:
    if column.dtype.kind not in "fiub" or not np.isfinite(column).all():
        raise DataError(f'the values of column "{name}" cannot be prepared')


def _spans(preparation: FittedPreparation, row: Table) -> dict[str, _Span]:
    """Return where each column of a table is in prepared samples, as one row shows."""
    columns, sequences = preparation.transformed(row, preparation.types)
    spans = {}
    for name, names in preparation.inputs.items():
        start = 0
        for column in names:
            stop = start + int(np.prod(columns[column].shape[1:]))
            spans[column] = _Span(name, start, stop, column in sequences)
            start = stop
    return spans
