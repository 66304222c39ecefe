"""What a split goes by: an integer for each row, equal for equal values and in their order."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import missing_values
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.feature_columns import require_column
from declnet.errors import DataError
from declnet.spec.data_section import SplitSpec

AT_METHOD = ("data", "split", "method")
AT_COLUMN = ("data", "split", "column")


def split_key(data: Dataset | Table, split: SplitSpec) -> Array | None:
    """The key (n,) of a split; None if it goes by nothing.

    Raises:
        DataError: the column is not there or has gaps, or there are no classes to stratify by.
    """
    if split.method == "random" or (split.method == "time" and split.column is None):
        return None
    if split.method == "column":
        return _column(data, split)
    values = _classes(data) if split.column is None else _column(data, split)
    return distinct(values)[1]


def distinct(values: Array) -> tuple[Array, Array]:
    """The sorted distinct values of an array (n,), and which of them each row has."""
    found: tuple[Array, Array] = np.unique(values, return_inverse=True)
    return found[0], found[1].reshape(-1)


def _column(data: Dataset | Table, split: SplitSpec) -> Array:
    name = str(split.column)
    if isinstance(data, Dataset):
        raise DataError(
            "the data is no table, so it has no columns to split by", path=AT_COLUMN, code="E034"
        )
    require_column(data.columns, name, path=AT_COLUMN)
    column = data.columns[name]
    gaps = np.flatnonzero(missing_values(column))
    if gaps.size:
        raise DataError(
            f'row {data.row_number(int(gaps[0]))}, column "{name}" is missing, so the row cannot '
            "be assigned by it",
            path=AT_COLUMN,
            code="E036",
        )
    return column


def _classes(data: Dataset | Table) -> Array:
    """The targets, which must be classes."""
    if isinstance(data, Table):
        column = data.columns.get(str(data.target))
        if column is None:
            raise DataError("there is no target to stratify by", path=AT_METHOD, code="E036")
        if column.dtype.kind == "f" and (column % 1 != 0).any():
            raise _no_classes()
        if column.dtype.kind != "O":
            return column
        filled: Array = np.where(missing_values(column), "", column)
        return filled
    if data.y.ndim == 2 and data.y.shape[1] > 1:
        labels: Array = np.argmax(data.y, axis=1)
        return labels
    if data.y.dtype.kind not in "iub":
        raise _no_classes()
    return data.y.reshape(-1)


def _no_classes() -> DataError:
    return DataError(
        "the target holds numbers, so there are no classes to stratify by",
        hint='name a column, or take method = "random"',
        path=AT_METHOD,
        code="E036",
    )
