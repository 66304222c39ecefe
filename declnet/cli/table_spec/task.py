"""What is to be predicted: two classes, several, or a number."""

from __future__ import annotations

from typing import Literal

import numpy as np

from declnet.components.columns import missing_values
from declnet.components.table import Table
from declnet.data.table_profile import ColumnProfile
from declnet.errors import DataError

Task = Literal["binary", "classes", "number"]

MOST_CLASSES_OF_INTEGERS = 20
"""Integers with more values than this are numbers, if nobody says otherwise."""
ROWS_FOR_A_CLASS = 4
"""On average, if integers are to be classes."""


def task_of(
    records: Table, target: ColumnProfile, wanted: Literal["classification", "regression"] | None
) -> Task:
    """The task that a target column poses.

    Args:
        records: the table.
        target: facts about its target column.
        wanted: what the user said; None to tell by the values: text and booleans are classes, so
            are whole numbers of few values; other numbers are numbers.

    Raises:
        DataError: the column has gaps, one value only, or does not fit what the user said.
    """
    if target.missing:
        row = records.row_number(int(np.argmax(missing_values(records.columns[target.name]))))
        count = f"{target.missing} row{'s' if target.missing > 1 else ''}"
        raise DataError(
            f'the target "{target.name}" is missing in {count}, the first is row {row}',
            hint="leave out rows without a target",
        )
    if target.distinct < 2:
        raise DataError(
            f'the target "{target.name}" has one value only', hint="there is nothing to learn"
        )
    if wanted == "regression" or (wanted is None and not _is_class(target)):
        if target.type == "text":
            raise DataError(
                f'the target "{target.name}" is text, which is no number',
                hint="leave --task out",
            )
        return "number"
    if not target.whole and target.type != "text":
        raise DataError(
            f'the target "{target.name}" has numbers that are not whole, which are no classes',
            hint="leave --task out",
        )
    if target.distinct > target.rows // 2:
        raise DataError(
            f'the target "{target.name}" has {target.distinct} classes in {target.rows} rows',
            hint="a class needs several rows to be learned; is it the right column?",
        )
    return "binary" if target.distinct == 2 else "classes"


def _is_class(target: ColumnProfile) -> bool:
    if target.type in ("text", "boolean"):
        return True
    few = min(MOST_CLASSES_OF_INTEGERS, max(2, target.rows // ROWS_FOR_A_CLASS))
    return target.whole and target.distinct <= few
