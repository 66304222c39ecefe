"""Reading a table that a user wants a spec for, and deciding how to predict its target."""

from __future__ import annotations

import os
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from declnet import (
    DataArgument,
    DataError,
    DataSource,
    Table,
    TableSource,
    class_name,
    column_type,
    has_copies,
    leakage_evidence,
    missing_values,
    require_column,
    require_target,
    verified,
)
from declnet_plugins.new.profile import (
    MOST_CODES,
    ColumnProfile,
    Sampling,
    TableProfile,
    TargetKind,
    column_profile,
)
from declnet_plugins.new.time_series import series_profile

ROWS_FOR_A_CLASS = 4
"""Minimum average number of rows per class for integers to be read as classes."""

LARGE = 100_000_000
"""Bytes of files from which on a table is profiled from a sample, and trained on as a stream."""
SAMPLED, SAMPLED_CELLS = 100_000, 1 << 22
"""Maximum number of rows of the sample, and of its cells."""

MOST_COLUMNS_SHOWN = 20
"""Maximum number of columns listed in a hint."""

TaskName = Literal["classification", "regression"] | None
"""The task requested by the user; None to infer it from the target's values."""


@dataclass(frozen=True)
class TableChoices:
    """The user's choices for a table: the options of `declnet new` that go with `--data`.

    Attributes:
        task: None to infer it from the values of each target.
        targets: columns to predict.
        features: the columns to predict from; empty for all.
        exclude: columns not to predict from.
        folds: into how many folds to divide the rows; None leaves it to the template.
        test: the fraction of the rows to hold out; None leaves it to the template.
        minutes: how long to search for a model; None leaves it to the template.
        time: the column of the times of a series; None to look for dates at equal distances.
        series: the column that tells several series apart.
        horizon: how many rows to forecast; None leaves it to the distance of the times.
        no_header: whether the first row is data rather than the names of the columns.
    """

    task: TaskName = None
    targets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    folds: int | None = None
    test: float | None = None
    minutes: float | None = None
    time: str | None = None
    series: str | None = None
    horizon: int | None = None
    no_header: bool = False

    @property
    def is_series(self) -> bool:
        """Whether the user says that the table is a series."""
        return not (self.time is None and self.series is None and self.horizon is None)


def profile_of(
    data: DataArgument,
    folder: Path,
    choices: TableChoices = TableChoices(),
    *,
    finds_series: bool = False,
) -> TableProfile:
    """Read a table and describe it.

    Args:
        data: a file, or a data source, with a table.
        folder: the spec's folder, to which its paths are relative.
        choices: what to predict, and from what.
        finds_series: whether a table with dates at equal distances is a series, if it is not named.

    Raises:
        DataError: the table cannot be read, is not a table or lacks the column, or the column is
            not usable as a target.
    """
    source, table, sampling = _read(data, choices)
    targets = _targets(data, source, table, choices)
    source = verified(TableSource.with_targets, source, targets)
    source, labeled = _without_unlabeled_rows(source, table, targets)
    unlabeled, table = len(table) - len(labeled), labeled
    if sampling is not None:
        unlabeled = round(unlabeled * sampling.rows / (unlabeled + len(table)))
        sampling = replace(sampling, table=_with_targets(table, targets))
    streams = sampling is not None and sampling.in_blocks and (choices.folds or 1) == 1
    excluded = _excluded(table, targets, choices)
    rows = None if sampling is None else sampling.rows
    columns = {
        name: column_profile(name, column, rows)
        for name, column in table.columns.items()
        if name not in excluded
    }
    if sampling is not None:
        labeled_rows = sampling.rows - unlabeled
        for name in targets:
            columns[name] = columns[name].of_all_rows(labeled_rows, sampling.counts.get(name))
    for name, spellings in table.spellings.items():
        if name in columns:
            columns[name] = _spelled(columns[name], spellings)
    series = None
    with data.naming_errors():
        if _may_be_series(columns[targets[0]], choices, finds_series and sampling is None):
            names = choices.time, choices.series
            series = series_profile(table, targets[0], *names, choices.horizon)
    requested = choices.task if series is None else "regression"
    tasks = {name: _task(replace(table, target=name), columns[name], requested) for name in targets}
    notes = {name: note for name, note in table.notes.items() if name not in excluded}
    target, task = targets[0], tasks.pop(targets[0])
    return TableProfile(
        source=declared(source, folder),
        columns=columns,
        target=target,
        task=task,
        unlabeled=unlabeled,
        notes=notes,
        excluded=excluded + tuple(name for name in notes if name not in columns),
        others=tasks,
        folds=1 if streams else choices.folds,
        test=choices.test,
        minutes=choices.minutes,
        has_copies=not streams and _has_copies(table, columns, {target: task, **tasks}),
        revealing=dict(_revealing(table, columns, {**tasks, target: task})),
        sampling=sampling,
        streams=streams,
        series=series,
    )


def _read(data: DataArgument, choices: TableChoices) -> tuple[TableSource, Table, Sampling | None]:
    """Return the source with the format of its data, and the table, or a sample of a large one."""
    source = data.source
    declared = (
        {} if data.is_file else {key: getattr(source, key) for key in source.model_fields_set}
    )
    if choices.no_header:
        if "header" not in type(source).model_fields:
            message = f'{data.name}: data source "{source.type}" always has names of columns'
            raise DataError(message)
        source = source.model_copy(update={"header": False})
    if not isinstance(source, TableSource):
        raise DataError(f"{data.name}: holds arrays, not a table")
    source = verified(TableSource.with_detected_format, source).model_copy(update=declared)
    verified(TableSource.describe, source)
    table, sampling = _table_of(source, data, choices)
    if not table.notes or "types" not in type(source).model_fields:
        return source, table, sampling
    types = {name: note.type for name, note in table.notes.items()}
    source = source.model_copy(update={"types": {**getattr(source, "types"), **types}})  # noqa: B009
    if any(column_type(table.columns[name]) != kind for name, kind in types.items()):
        again, sampling = _table_of(source, data, choices)
        table = replace(again, notes=table.notes)
    return source, table, sampling


def _table_of(
    source: TableSource, data: DataArgument, choices: TableChoices
) -> tuple[Table, Sampling | None]:
    """Return the table, or a sample of it if its files are large."""
    files = verified(DataSource.data_files, source)
    size = sum(path.stat().st_size for path in files if path.is_file())
    if size <= LARGE or choices.is_series:  # whose windows need all rows
        return cast("Table", data.load(source)), None
    columns = len(verified(TableSource.column_names, source))
    started = time.process_time()
    sample = data.sample(source, max(1, min(SAMPLED, SAMPLED_CELLS // columns)), choices.targets)
    seconds = time.process_time() - started
    sampling = Sampling(sample.table, sample.rows, size, sample.counts, seconds, sample.in_blocks)
    return sample.table, sampling


def _with_targets(table: Table, targets: tuple[str, ...]) -> Table:
    """Return a table with the columns to predict."""
    several = len(targets) > 1
    return replace(table, target=None if several else targets[0], targets=targets * several)


def _targets(
    data: DataArgument, source: TableSource, table: Table, choices: TableChoices
) -> tuple[str, ...]:
    """Return the distinct columns to predict; raise DataError if there are none or one is wrong."""
    if not choices.targets:
        columns = list(table.columns)
        shown = ", ".join(f'"{column}"' for column in columns[:MOST_COLUMNS_SHOWN])
        more = ", …" if len(columns) > MOST_COLUMNS_SHOWN else ""
        raise DataError(
            f"{data.name}: no target column was given",
            hint=f"add --target with one of {shown}{more}",
        )
    if choices.targets[0] not in table.columns:
        # the source may know why the column is not there
        verified(TableSource.with_target, source, choices.targets[0]).describe()
    for target in choices.targets:
        _require_usable(target, table)
        with data.naming_errors():
            require_column(table.columns, target)
    return tuple(dict.fromkeys(choices.targets))


def _without_unlabeled_rows(
    source: TableSource, table: Table, targets: tuple[str, ...]
) -> tuple[TableSource, Table]:
    """Return the source and the table without rows that lack a target, unless all lack one."""
    has_gaps = np.any([missing_values(table.columns[name]) for name in targets], axis=0)
    if not has_gaps.any() or has_gaps.all():
        return source, table
    without = verified(TableSource.without_unlabeled_rows, source)
    return without, table.take(np.flatnonzero(~has_gaps))


def _may_be_series(target: ColumnProfile, choices: TableChoices, finds_series: bool) -> bool:
    """Return whether to look for a series: if the user says so, or the target is a number."""
    if choices.is_series:
        return True
    is_number = target.type != "text" and not _is_class(target)
    single = len({*choices.targets}) == 1 and choices.task != "classification"
    return finds_series and single and is_number


def _spelled(column: ColumnProfile, spellings: Mapping[Any, str]) -> ColumnProfile:
    """Return a profile whose values are as they are written."""
    counts = {spellings.get(value, class_name(value)): n for value, n in column.counts.items()}
    return replace(column, counts=counts)


def _excluded(table: Table, targets: tuple[str, ...], choices: TableChoices) -> tuple[str, ...]:
    """Return the columns that the user left out, in order."""
    columns = {**table.columns, **table.notes}
    features, exclude = (_split(names, columns) for names in (choices.features, choices.exclude))
    for name in (*features, *exclude):
        require_column(columns, name)
        if name in features:
            _require_usable(name, table)
        if name in targets:
            what = "the target" if len(targets) == 1 else "a target"
            raise DataError(f'"{name}" is {what}, so it cannot be a feature')
    used = set(features or columns) - set(exclude) | {*targets}
    return tuple(name for name in columns if name not in used)


def _require_usable(name: str, table: Table) -> None:
    """Raise DataError, with what the source says, for a column that it left out."""
    if name in table.notes and name not in table.columns:
        raise DataError(f'column "{name}" {table.notes[name].text}')


def _split(names: tuple[str, ...], columns: Container[str]) -> list[str]:
    """Return names of columns, of which several may be joined by commas."""
    return [
        part.strip() for name in names for part in ([name] if name in columns else name.split(","))
    ]


def _task(table: Table, target: ColumnProfile, requested: TaskName) -> TargetKind:
    """Return what is predicted: text, booleans and integers with few distinct values are classes.

    Integers that are distributed as counts are numbers.

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
        require_target(table, target.name, classes=False)
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
    require_target(table, target.name, classes=True)
    if target.distinct > target.rows // 2:
        raise DataError(
            f'the target "{target.name}" has {target.distinct} classes in {target.rows} rows',
            hint="a class needs several rows to be learned; is it the right column?",
        )
    return "binary" if target.distinct == 2 else "classes"


def _has_copies(
    table: Table, columns: Mapping[str, ColumnProfile], tasks: Mapping[str, TargetKind]
) -> bool:
    """Return whether more rows are equal than by chance, but for targets and identifiers."""
    features = tuple(
        name
        for name, column in columns.items()
        if name not in tasks
        and not (column.distinct == column.rows and (column.whole or column.type == "text"))
    )
    targets = [name for name in tasks if tasks[name] != "values"]
    if not features:
        return False
    if not targets:
        return has_copies(table, features)
    return all(has_copies(table, features, table.columns[name].astype(str)) for name in targets)


def _revealing(
    table: Table, columns: Container[str], tasks: Mapping[str, TargetKind]
) -> Iterator[tuple[str, str]]:
    """Yield each column that alone predicts a target almost perfectly, with how it does so."""
    for target, task in tasks.items():
        y = table.columns[target]
        if task != "values":
            y = np.unique(y.astype(str), return_inverse=True)[1]
        for name, column in table.columns.items():
            if name not in columns or name in tasks:
                continue
            evidence = leakage_evidence(column, y, task != "values")
            if evidence is not None:
                yield name, f'alone predicts the target "{target}": {evidence}'


def _is_class(target: ColumnProfile) -> bool:
    if target.type in ("text", "boolean"):
        return True
    few = min(MOST_CODES, max(2, target.rows // ROWS_FOR_A_CLASS))
    return target.whole and target.distinct <= few and not target.holds_counts


def declared(source: DataSource, folder: Path) -> dict[str, Any]:
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
