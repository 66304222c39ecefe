"""Describes a table of which nothing is known but its file and its target."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np

from declnet.components.arrays import Array
from declnet.components.columns import column_type, distinct_values, missing_values
from declnet.components.data_source import DataSource
from declnet.components.returned import checked_info, checked_load
from declnet.components.table import Table
from declnet.components.table_profile import ColumnProfile, TableProfile, Task
from declnet.data.file_source import file_source
from declnet.data.loading import checked_data
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion

MOST_CLASSES_OF_INTEGERS = 20
"""Integers with more values than this are numbers, if nobody says otherwise."""
ROWS_FOR_A_CLASS = 4
"""On average, if integers are to be classes."""

Wanted = Literal["classification", "regression"] | None
"""The task as the user named it; None to decide by the target's values."""


def profile_of_file(
    file: Path, target: str | None, folder: Path, registry: Registry, wanted: Wanted = None
) -> TableProfile:
    """Read a table and describe it.

    Args:
        file: a table, in a file that an installed data source reads.
        target: the column that is to be predicted.
        folder: that of the spec, which its paths start from.
        registry: where the data source is looked up.
        wanted: the task, if the user named it.

    Raises:
        DataError: the file cannot be read, is not a table, has no such column, or the column is not
            a target.
    """
    source = file_source(file, registry).with_detected_format()
    if checked_info(source, source.describe()) is not None:
        raise DataError(
            f"{file}: holds arrays, not a table",
            hint="write a spec from a template and name the file in it: `declnet new --help` lists "
            "them",
        )
    table = _loaded(source, file)
    _require_target(target, table, file)
    labeled = _with_target(source, str(target), table, file)
    unlabeled = int(np.count_nonzero(missing_values(table.columns[str(target)])))
    without = labeled.without_unlabeled_rows()
    if 0 < unlabeled < len(table) and without is not None:
        there = ~missing_values(table.columns[str(target)])
        table, labeled = table.take(np.flatnonzero(there)), without
    else:
        unlabeled = 0
    columns = {name: column_profile(name, column) for name, column in table.columns.items()}
    task = _task(table, columns[str(target)], wanted)
    selects = "features" in type(labeled).model_fields
    return TableProfile(_declared(labeled, folder), columns, str(target), task, unlabeled, selects)


def column_profile(name: str, column: Array) -> ColumnProfile:
    """Return the facts about a column (n,)."""
    missing = int(np.count_nonzero(missing_values(column)))
    kind, distinct = column_type(column), len(distinct_values(column))
    if kind == "text":
        return ColumnProfile(name, kind, len(column), missing, distinct)
    numbers = column[np.isfinite(column)].astype(float)
    return ColumnProfile(
        name,
        kind,
        len(column),
        missing,
        distinct,
        counts_rows=kind == "integer" and len(column) > 1 and bool((np.diff(column) == 1).all()),
        whole=bool((numbers == np.floor(numbers)).all()),
        infinite=int(np.count_nonzero(np.isinf(column))),
        mean=float(numbers.mean()) if numbers.size else 0.0,
        std=float(numbers.std()) if numbers.size else 0.0,
    )


def _loaded(source: DataSource, file: Path) -> Table:
    data = checked_load(source, source.load(np.random.default_rng(0)))
    table = checked_data(data, str(file))
    if not isinstance(table, Table):
        raise DataError(f"{file}: is not a table")
    return table


def _require_target(target: str | None, table: Table, file: Path) -> None:
    if target is None:
        shown = ", ".join(f'"{each}"' for each in list(table.columns)[:20])
        more = ", …" if len(table.columns) > 20 else ""
        raise DataError(
            f"{file}: which column is to be predicted?", hint=f"--target with one of {shown}{more}"
        )
    if target not in table.columns:
        hint = suggestion(target, list(table.columns), "columns")
        raise DataError(f'{file}: there is no column "{target}"', hint=hint)


def _with_target(source: DataSource, target: str, table: Table, file: Path) -> DataSource:
    labeled = source.with_target(target)
    if labeled == source and table.target != target:
        raise DataError(
            f'{file}: data source "{source.type}" cannot take "{target}" as the target',
            hint=f'it has the target "{table.target}"' if table.target is not None else None,
        )
    return labeled


def _task(table: Table, target: ColumnProfile, wanted: Wanted) -> Task:
    """The task: text and booleans are classes, and so are whole numbers of few values.

    Raises:
        DataError: the column has gaps, one value only, or does not fit what the user said.
    """
    if target.missing:
        row = table.row_number(int(np.argmax(missing_values(table.columns[target.name]))))
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
                f'the target "{target.name}" is text, not a number', hint="leave --task out"
            )
        return "values"
    if not target.whole and target.type != "text":
        raise DataError(
            f'the target "{target.name}" has numbers that are not whole, so they are not classes',
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


def _declared(source: DataSource, folder: Path) -> dict[str, Any]:
    """The source as a spec in a folder declares it, its paths starting from there."""
    fields = source.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for name in type(source).model_fields.keys() & fields:
        path = getattr(source, name)
        if isinstance(path, Path):
            fields[name] = _from(folder, path)
    return fields


def _from(folder: Path, file: Path) -> str:
    """A file's path from a folder on, with slashes; absolute where there is no way."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.absolute().as_posix()
