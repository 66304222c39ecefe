"""What runs must have in common so that their models make one predictor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from declnet.contracts.data.table import ColumnType, Table
from declnet.data.splits import Data
from declnet.data.streaming.source import digest_of
from declnet.errors import OutputError
from declnet.runs.inference.member import Member
from declnet.runs.storage.origins import Origins
from declnet.runs.stored_run import StoredRun


def require_one_version(runs: Sequence[StoredRun]) -> None:
    """Require that all runs were made by the same versions of declnet and its plugins.

    Raises:
        OutputError: a version differs.
    """
    seen: dict[str, tuple[str, StoredRun]] = {}
    for run in runs:
        versions = Origins.recorded(run.manifest).versions(kernels=False)
        for name, version in {**versions, "declnet": run.manifest.declnet}.items():
            known, first = seen.setdefault(name, (version, run))
            if known != version:
                message = (
                    f"this run was made by {name} {version}, but {_beside(first, run)} by {known}"
                )
                raise OutputError(f"{run.path}: {message}; train them again")


def require_alike(runs: Sequence[StoredRun], members: Sequence[Member]) -> None:
    """Require that the predictions of models have a mean.

    Args:
        runs: at least one.
        members: the model of each.

    Raises:
        OutputError: the models differ in what they predict, or in the types of columns.
    """
    first = _described(members[0])
    types: dict[str, ColumnType] = {}
    for run, member in zip(runs, members, strict=True):
        described = _described(member)
        for name, kind in (member.preparation.types or {}).items():
            if types.setdefault(name, kind) != kind:
                described["columns"] = name
        for what, value in described.items():
            if value != first[what]:
                message = (
                    f"this run has other {what} than {_beside(runs[0], run)}, so they cannot be"
                )
                raise OutputError(f"{run.path}: {message} averaged")


def _beside(one: StoredRun, other: StoredRun) -> Path:
    """Return the path of a run within the innermost folder that it shares with another."""
    shared = next(parent for parent in other.path.parents if parent in one.path.parents)
    return one.path.relative_to(shared)


def _described(member: Member) -> dict[str, Any]:
    """Return what the members of a predictor must have in common, by its name in messages."""
    preparation, readings = member.preparation, member.readings
    is_table = preparation.types is not None
    calibrators = [head.calibration.values() for head in member.heads]
    return {
        "columns": () if is_table else tuple(member.model.inputs),
        "losses": [head.name for head in member.heads],
        "windows": preparation.windows and preparation.windows.spec,
        "classes": [reading.classes for reading in readings],
        "outputs": [(reading.task, reading.outputs, reading.scores) for reading in readings],
        "calibrators": [
            {name for calibrator in of_head for name in calibrator.gives()} - {"apply"}
            for of_head in calibrators
        ],
    }


def have_same_samples(one: Data, other: Data) -> bool:
    """Return whether two parts have the same rows and targets; their features may differ."""
    if not np.array_equal(one.row_numbers, other.row_numbers):
        return False
    if isinstance(one, Table) and isinstance(other, Table):
        names = one.target_columns
        return names == other.target_columns and all(
            np.array_equal(one.columns[name], other.columns[name]) for name in names
        )
    return have_same_content(one, other)


def have_same_content(one: Data, other: Data) -> bool:
    """Return whether two data sets as loaded have the same samples."""
    return len(one) == len(other) and digest_of(one) == digest_of(other)
