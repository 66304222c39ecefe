"""What `declnet check` prints of a table: its columns, as they were understood."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import column_type, missing_values
from declnet.components.table import Table
from declnet.report.terminal import print_table

MOST = 60
"""Columns that are printed."""


def print_columns(records: Table, no_features: Iterable[str] = ()) -> None:
    """A row a column: name, type, what it serves for, how much is missing, distinct values.

    Args:
        records: the training data as it was loaded.
        no_features: columns that the spec takes for something else than to predict from.
    """
    features = set(records.feature_columns) - set(no_features)
    names = list(records.columns)
    rows = [_row(name, records, features, set(no_features)) for name in names[:MOST]]
    if len(names) > MOST:
        rows.append((f"… and {len(names) - MOST:,} more", "", "", "", ""))
    print_table(
        None,
        ("column", "type", "serves as", "missing", "distinct"),
        rows,
        numeric=frozenset({"missing", "distinct"}),
    )


def _row(
    name: str, records: Table, features: set[str], others: set[str]
) -> tuple[str, str, str, str, str]:
    column = records.columns[name]
    gaps = missing_values(column)
    role = "target" if name == records.target else "feature" if name in features else ""
    if name in others:
        role = "split or weight"
    count = int(np.count_nonzero(gaps))
    return (name, column_type(column), role, f"{count:,}", f"{_distinct(column[~gaps]):,}")


def _distinct(there: Array) -> int:
    return len(set(there.tolist())) if there.dtype.kind == "O" else len(np.unique(there))
