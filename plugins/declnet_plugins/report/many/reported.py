"""Runs as the page of many runs takes them, and how they are read from a folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from declnet import (
    Better,
    DeclnetError,
    ListedRun,
    differing_keys,
    grouped_run,
    list_runs,
    open_group,
)

MANY = 30
"""Number of runs above which a folder gets the page of many runs."""

NOT_COMPARED = ("name",)
"""Keys of a spec that only label it."""


@dataclass(frozen=True)
class ReportedRun:
    """A run of a sweep or a study, or in any folder.

    Attributes:
        name: its path within the folder.
        status: as in its manifest.
        values: the values that vary, by key.
        metrics: the metrics of the finished model, e.g. `test.accuracy`.
        better: which values of each metric are better, as in `Metric.better`, if known.
        seconds: its duration.
        history: the file with a row of JSON for each logged epoch; None without one.
    """

    name: str
    status: str
    values: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    better: Mapping[str, Better] = field(default_factory=dict)
    seconds: float | None = None
    history: Path | None = None


def is_compared(directory: Path, runs: int) -> bool:
    """Return whether the runs in a folder get the page of many runs.

    They do in a sweep, a plan or a study, unless it has selected weights of its trials.

    Args:
        directory: the folder.
        runs: how many runs it has.
    """
    if not (directory / "group.json").is_file():
        return runs > MANY
    file = open_group(directory).file
    if file.kind == "study":
        return file.weights is None
    return runs > MANY or not file.is_predictor


def read_study(directory: Path) -> tuple[str | None, dict[str, float], tuple[str, ...]]:
    """Return the objective of a study, how much each key matters to it, and remarks, if known."""
    with suppress(DeclnetError):
        group = open_group(directory)
        if group.summary is not None:
            return group.summary.objective, group.summary.importance, group.remarks
    return None, {}, ()


def read_runs(directory: Path) -> list[ReportedRun]:
    """Return the runs in a folder, with the values that vary in its sweep, else in their specs.

    Raises:
        OutputError: the folder cannot be read.
    """
    listed = [run for run in list_runs(directory) if isinstance(run, ListedRun)]
    grouped = [grouped_run(directory / run.path) for run in listed]
    top = directory.absolute()
    if all(run is not None and run.group == top for run in grouped):
        values = [run.values if run is not None else {} for run in grouped]
    else:
        differing = differing_keys([run.values for run in listed])
        keys = [key for key in differing if key not in NOT_COMPARED]
        values = [{key: run.values[key] for key in keys if key in run.values} for run in listed]
    return [_reported(run, varying, directory) for run, varying in zip(listed, values, strict=True)]


def _reported(run: ListedRun, values: Mapping[str, Any], directory: Path) -> ReportedRun:
    directions = {"loss": "lower", **run.better}
    metrics, better = {}, {}
    for data, values_of_data in run.metrics.items():
        for metric, value in values_of_data.items():
            name = f"{data}.{metric}"
            metrics[name] = value
            direction = directions.get(metric)
            if direction is not None:
                better[name] = direction
    name, history = run.path.as_posix(), directory / run.path / "history.jsonl"
    return ReportedRun(name, run.status, values, metrics, better, run.seconds, history)


def main_metric(runs: Iterable[ReportedRun], objective: str | None = None) -> str | None:
    """Return the metric to rank runs by: of validation, test or training data, not the loss.

    The loss, if nothing else has a known direction; the objective of a study, if it has one.
    """
    known = {name: better for run in runs for name, better in run.better.items()}
    if objective in known:
        return objective
    names = [
        name
        for data in ("validation", "test", "train")
        for name in known
        if name.startswith(f"{data}.")
    ]
    telling = [name for name in names if "loss" not in name.partition(".")[2]]
    return next(iter([*telling, *names]), None)


def read_history(run: ReportedRun, points: int) -> list[Mapping[str, Any]]:
    """Return rows of a run's history, evenly chosen with the first and the last; at most `points`.

    One that cannot be read has none.
    """
    rows: list[Mapping[str, Any]] = []
    if run.history is None:
        return rows
    with suppress(OSError, ValueError):
        lines = run.history.read_bytes().split(b"\n")[:-1]
        for at in _evenly(len(lines), points):
            row = json.loads(lines[at])
            if isinstance(row, dict) and isinstance(row.get("epoch"), int):
                rows.append(row)
    return rows


def _evenly(count: int, most: int) -> Sequence[int]:
    if count <= most:
        return range(count)
    return [round(at * (count - 1) / (most - 1)) for at in range(most)]
