"""Rows with odd cells, to compare exported files with declnet where users' data is odd."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np

from declnet import Array, CellFormat

MOST_ROWS = 512
"""Odd rows, at most; of many columns, not all are odd."""

OTHER_TEXTS = ("\N{WHITE SQUARE}", "1", "1.0", " true", "2024-02-31", "")
"""Texts that the training data is unlikely to have."""

NUMBERS = (np.nan, np.inf, -np.inf, -1.0, 0.0, 0.5)
"""Numbers that a column may have and its preparation may refuse."""

INTEGERS = (-1, 0, 1_000_003)


def odd_rows(columns: Mapping[str, Array], cells: CellFormat) -> dict[str, Array]:
    """Return rows of which each has one odd cell, in the types of the columns.

    Args:
        columns: real rows by column, (n, …), at least one.
        cells: how text is written.
    """
    count = len(next(iter(columns.values())))
    changes = [(name, value) for name, column in columns.items() for value in _odd(column, cells)]
    changes = list(islice(changes, 0, None, 1 + len(changes) // MOST_ROWS))
    positions = np.arange(len(changes)) % count
    rows = {name: column[positions].copy() for name, column in columns.items()}
    for row, (name, value) in enumerate(changes):
        column = rows[name]
        column[(row, *(0,) * (column.ndim - 1))] = value
    return rows


def _odd(column: Array, cells: CellFormat) -> tuple[Any, ...]:
    """Return odd values of a column's type."""
    if column.dtype.kind == "f":
        return NUMBERS
    if column.dtype.kind != "O":
        limits = np.iinfo(column.dtype) if column.dtype.kind in "iu" else None
        return tuple(
            integer for integer in INTEGERS if limits and limits.min <= integer <= limits.max
        )
    present = sorted({text for text in column.tolist() if text is not None})[:2]
    spaced = (form.format(text) for text in present for form in (" {}", "{} \t"))
    missing = (f" {text}" for text in cells.missing)
    return (*spaced, *missing, None, *OTHER_TEXTS)
