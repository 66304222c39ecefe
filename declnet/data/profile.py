"""The profile of a table in a file: what its columns hold, and what the target is."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.table import (
    ColumnProfile,
    Table,
    TableProfile,
    Task,
    class_name,
    column_type,
    missing_values,
)
from declnet.contracts.returned import verified
from declnet.data.columns import require_column
from declnet.data.dates import date_form, odd_date
from declnet.data.preparing.target_encoding import require_finite_target, require_learnable_classes
from declnet.data.sources.files import called, file_source
from declnet.data.sources.loading import checked_data
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion

MOST_CLASSES_OF_INTEGERS = 20
"""By default, integers with more distinct values than this are numbers rather than classes."""
ROWS_FOR_A_CLASS = 4
"""Minimum average number of rows per class for integers to be read as classes."""

FEWEST_SHUFFLED = 30
"""In fewer rows, distinct consecutive integers may be a feature, unless they are in order."""

TaskName = Literal["classification", "regression"] | None
"""The task requested by the user; None to infer it from the target's values."""


@dataclass(frozen=True)
class TableChoices:
    """The user's choices for a table.

    Attributes:
        task: None to infer it from the target's values.
        features: the columns to predict from; empty for all.
        exclude: columns not to predict from.
        header: whether the first row names the columns.
        more_targets: columns to predict besides the first target.
    """

    task: TaskName = None
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    header: bool = True
    more_targets: tuple[str, ...] = ()


def profile_of(
    data: Path | DataSource,
    target: str | None,
    folder: Path,
    registry: Registry,
    choices: TableChoices = TableChoices(),
) -> TableProfile:
    """Read a table and describe it.

    Args:
        data: a table, in a file that an installed data source reads, or a source of one.
        folder: the spec's folder, to which its paths are relative.

    Raises:
        DataError: the table cannot be read, is not a table or lacks the column, or the column is
            not usable as a target.
    """
    declared = {name: getattr(data, name) for name in getattr(data, "model_fields_set", ())}
    source = data if isinstance(data, DataSource) else file_source(data, registry)
    file = called(data)
    if not choices.header:
        if "header" not in type(source).model_fields:
            raise DataError(f'{file}: data source "{source.type}" always has names of columns')
        source = source.model_copy(update={"header": False})
    source = verified(DataSource.with_detected_format, source).model_copy(update=declared)
    if verified(DataSource.describe, source) is not None:
        raise DataError(
            f"{file}: holds arrays, not a table",
            hint="write a spec from a template and name the file in it: `declnet new --help` lists "
            "them",
        )
    source, table = _declaring_notes(source, _table_of(source, file), file)
    if target is not None and target not in table.columns:
        # the source may know why the column is not there
        verified(DataSource.with_target, source, target).describe()
    target = _require_target(target, table, file)
    targets = tuple(
        dict.fromkeys(
            (
                target,
                *(
                    _require_target(more_target, table, file)
                    for more_target in choices.more_targets
                ),
            )
        )
    )
    labeled = verified(DataSource.with_targets, source, targets)
    if labeled == source and len(targets) > 1 and {*table.target_columns} != {*targets}:
        raise DataError(f'{file}: data source "{source.type}" cannot take several targets')
    if labeled == source and table.target != target:
        raise DataError(
            f'{file}: data source "{source.type}" cannot take "{target}" as the target',
            hint=f'it has the target "{table.target}"' if table.target is not None else None,
        )
    has_gaps = np.any([missing_values(table.columns[name]) for name in targets], axis=0)
    unlabeled = int(np.count_nonzero(has_gaps))
    without = verified(DataSource.without_unlabeled_rows, labeled)
    if 0 < unlabeled < len(table) and without is not None:
        table, labeled = table.take(np.flatnonzero(~has_gaps)), without
    else:
        unlabeled = 0
    selects = "features" in type(labeled).model_fields
    excluded = _excluded(table, targets, choices)
    if excluded and not selects:
        raise DataError(f'{file}: data source "{source.type}" takes all columns as features')
    columns = {
        name: column_profile(name, column)
        for name, column in table.columns.items()
        if name not in excluded
    }
    for name, spellings in table.spellings.items():
        if name in columns:
            columns[name] = _spelled(columns[name], spellings)
    task, *more = [_task(replace(table, target=n), columns[n], choices.task) for n in targets]
    notes = {name: note for name, note in table.notes.items() if name not in excluded}
    return TableProfile(
        _declared(labeled, folder),
        columns,
        target,
        task,
        unlabeled,
        selects,
        notes,
        excluded + tuple(name for name in notes if name not in columns),
        dict(zip(targets[1:], more, strict=True)),
    )


def _spelled(column: ColumnProfile, spellings: Mapping[Any, str]) -> ColumnProfile:
    """Return a profile whose values are as they are written."""
    counts = {spellings.get(value, class_name(value)): n for value, n in column.counts.items()}
    return replace(column, counts=counts)


def _table_of(source: DataSource, file: str) -> Table:
    data = checked_data(verified(DataSource.load, source, np.random.default_rng(0)), file)
    if not isinstance(data, Table):
        raise DataError(f"{file}: is not a table")
    return data


def _declaring_notes(source: DataSource, table: Table, file: str) -> tuple[DataSource, Table]:
    """Return a source that declares the types its notes suggest, and the table read with them."""
    if not table.notes or "types" not in type(source).model_fields:
        return source, table
    types = {name: note.type for name, note in table.notes.items()}
    source = source.model_copy(update={"types": {**getattr(source, "types"), **types}})  # noqa: B009
    changed = any(column_type(table.columns[name]) != kind for name, kind in types.items())
    return source, replace(_table_of(source, file), notes=table.notes) if changed else table


def column_profile(name: str, column: Array) -> ColumnProfile:
    """Return a profile of a column (n,)."""
    missing = missing_values(column)
    kind, rows, gaps = column_type(column), len(column), int(np.count_nonzero(missing))
    if kind == "text":
        counts = Counter(column[~missing].tolist())
        form = date_form(np.array(list(counts), object))
        words = {count: len(count.split()) for count in counts}
        mean = sum(words[text] * count for text, count in counts.items()) / max(rows - gaps, 1)
        return ColumnProfile(
            name,
            kind,
            rows,
            gaps,
            len(counts),
            date_form=form,
            odd_date=odd_date(list(counts)) if form is None else None,
            words=mean,
            most_words=max(words.values(), default=0),
            counts=_most_frequent_first(counts),
        )
    values, how_often = np.unique(column[~missing], return_counts=True)
    numbers = column[np.isfinite(column)].astype(float)
    whole = bool((numbers == np.floor(numbers)).all())
    positive = bool(numbers.size and numbers.min() > 0)
    with np.errstate(over="ignore"):  # of numbers near the largest
        std = float(numbers.std()) if numbers.size else 0.0
    return ColumnProfile(
        name,
        kind,
        rows,
        gaps,
        len(values),
        counts_rows=kind == "integer" and _counts_rows(column),
        whole=whole,
        infinite=int(np.count_nonzero(np.isinf(column))),
        mean=float(numbers.mean()) if numbers.size else 0.0,
        std=std,
        counts=_most_frequent_first(dict(zip(values.tolist(), how_often.tolist(), strict=True)))
        if whole
        else {},
        smallest=float(numbers.min()) if numbers.size else 0.0,
        skewness=_skewness(numbers),
        log_skewness=_skewness(np.log(numbers)) if positive else None,
    )


def _most_frequent_first(counts: Mapping[Any, int]) -> dict[Any, int]:
    return dict(sorted(sorted(counts.items()), key=lambda item: -item[1]))


def _skewness(numbers: Array) -> float:
    """Return the third standardized moment; 0 if all numbers are equal or there are none."""
    if not numbers.size or np.ptp(numbers) == 0:
        return 0.0
    centered = numbers - numbers.mean()
    centered /= np.abs(centered).max()  # to keep powers from overflowing
    variance = np.mean(centered**2)
    return float(np.mean(centered**3) / variance**1.5) if variance > 0 else 0.0


def _excluded(table: Table, targets: tuple[str, ...], choices: TableChoices) -> tuple[str, ...]:
    """Return the columns that the user left out, in order."""
    known = {**table.columns, **table.notes}
    features, exclude = (_split(names, known) for names in (choices.features, choices.exclude))
    for name in (*features, *exclude):
        require_column(known, name)
        if name in features:
            _require_usable(name, table)
        if name in targets:
            what = "the target" if len(targets) == 1 else "a target"
            raise DataError(f'"{name}" is {what}, so it cannot be a feature')
    used = set(features or known) - set(exclude) | {*targets}
    return tuple(name for name in known if name not in used)


def _require_usable(name: str, table: Table) -> None:
    """Raise DataError, with what the source says, for a column that it left out."""
    if name in table.notes and name not in table.columns:
        raise DataError(f'column "{name}" {table.notes[name].text}')


def _split(names: tuple[str, ...], known: Container[str]) -> list[str]:
    """Return names of columns, of which several may be joined by commas."""
    return [
        part.strip() for name in names for part in ([name] if name in known else name.split(","))
    ]


def _counts_rows(column: Array) -> bool:
    """Return whether integers count the rows: in order, or shuffled if there are enough rows."""
    if len(column) < FEWEST_SHUFFLED:
        return len(column) > 1 and bool((np.diff(column) == 1).all())
    return bool((np.diff(np.sort(column)) == 1).all())


def _require_target(target: str | None, table: Table, file: str) -> str:
    if target is None:
        shown = ", ".join(f'"{column}"' for column in list(table.columns)[:20])
        more = ", …" if len(table.columns) > 20 else ""
        raise DataError(
            f"{file}: no target column was given", hint=f"add --target with one of {shown}{more}"
        )
    _require_usable(target, table)
    if target not in table.columns:
        hint = suggestion(target, list(table.columns), "columns")
        raise DataError(f'{file}: there is no column "{target}"', hint=hint)
    return target


def _task(table: Table, target: ColumnProfile, requested: TaskName) -> Task:
    """Return the task: text, booleans and integers with few distinct values are classes.

    Raises:
        DataError: the column has gaps, only one value, or does not fit the requested task.
    """
    if not target.present:
        message = f'the target "{target.name}" is empty: all values are missing'
        raise DataError(message, hint="is it the right column?")
    if target.missing:
        row = table.row_number(int(np.argmax(missing_values(table.columns[target.name]))))
        count = f"{target.missing} row{'s' if target.missing > 1 else ''}"
        raise DataError(
            f'the target "{target.name}" is missing in {count}, the first is row {row}',
            hint="leave out rows without a target",
        )
    if target.distinct < 2:
        raise DataError(
            f'the target "{target.name}" has only one value', hint="there is nothing to learn"
        )
    if target.infinite:
        require_finite_target(table, target.name, table.columns[target.name])
    if requested == "regression" or (requested is None and not _is_class(target)):
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
    require_learnable_classes(table, target.name)
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
    """Return the source as declared by a spec in a folder, with paths relative to that folder."""
    fields = source.model_dump(
        mode="json", exclude_defaults=True, exclude_none=True, context={"folder": folder}
    )
    for name in type(source).model_fields.keys() & fields:
        path = getattr(source, name)
        if isinstance(path, Path):
            try:
                fields[name] = Path(os.path.relpath(path, folder)).as_posix()
            except ValueError:  # another drive
                fields[name] = path.absolute().as_posix()
    return fields
