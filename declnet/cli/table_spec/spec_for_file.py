"""Looks at a file with a table, and makes a spec for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from declnet.cli.table_spec.features import features_of
from declnet.cli.table_spec.plan import Plan
from declnet.cli.table_spec.reading import read_table
from declnet.cli.table_spec.sizes import sizes_for
from declnet.cli.table_spec.task import task_of
from declnet.cli.table_spec.writing import spec_text
from declnet.components.columns import missing_values
from declnet.data.file_source import file_type
from declnet.data.table_profile import profile_of
from declnet.errors import DataError
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion


def spec_for_file(
    file: Path,
    target: str | None,
    folder: Path,
    registry: Registry,
    wanted: Literal["classification", "regression"] | None = None,
) -> str:
    """A commented spec, TOML, that runs as it is.

    Args:
        file: a table, CSV or Parquet.
        target: the column that is to be predicted.
        folder: the spec's, which its paths start from.
        registry: where components are looked up.
        wanted: the task; None to tell by the target's values.

    Raises:
        DataError: the file cannot be read, has no such column, or nothing to learn in it.
    """
    if file_type(file) in ("npz", "npy"):
        raise DataError(
            f"{file}: holds arrays, no table", hint="begin with --template own_data instead"
        )
    source, records = read_table(file, registry)
    columns = profile_of(records)
    if target is None:
        shown = ", ".join(f'"{each}"' for each in list(columns)[:20])
        more = ", …" if len(columns) > 20 else ""
        raise DataError(
            f"{file}: which column is to be predicted?",
            hint=f"--target with one of {shown}{more}",
        )
    if target not in columns:
        hint = suggestion(target, list(columns), "columns")
        raise DataError(f'{file}: there is no column "{target}"', hint=hint)
    fields = source.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    fields |= {"path": _from(folder, file), "target": target}
    unlabelled = columns[target].missing
    if 0 < unlabelled < len(records) and "missing_target" in type(source).model_fields:
        there = ~missing_values(records.columns[target])
        records = records.take(np.flatnonzero(there))
        columns = profile_of(records)
        fields["missing_target"] = "leave_out"
    task = task_of(records, columns[target], wanted)
    features = features_of(columns.values(), target)
    if not features.used:
        reasons = "; ".join(f'"{each.name}": {why}' for each, why in features.left_out[:5])
        raise DataError(
            f'{file}: has no column to predict "{target}" from',
            hint=reasons or "it has no other column",
        )
    early_stopping = "early_stopping" in registry.types("callback")
    plan = Plan(
        fields,
        columns[target],
        task,
        features,
        sizes_for(len(records)),
        early_stopping,
        unlabelled,
    )
    return spec_text(plan)


def _from(folder: Path, file: Path) -> str:
    """The file's path from a folder on, with slashes; absolute where there is no way."""
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return file.absolute().as_posix()
