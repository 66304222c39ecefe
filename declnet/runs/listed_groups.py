"""Runs of a folder that belong together as one entry of a list: folds, seeds, a sweep, a study."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from declnet.errors import DeclnetError
from declnet.runs.distribution import mean_and_deviation
from declnet.runs.ranking import (
    directions_of,
    find_metric,
    informative,
    main_metric,
    sort_key,
)
from declnet.runs.storage.folder import GROUP
from declnet.runs.storage.listing import ListedRun
from declnet.runs.storage.writing import read_bytes
from declnet.stored import parse_json

_SEED_OR_FOLD = re.compile(r"(seed|fold)-\d+")
"""The folder of a run within its spec's folder."""
_AVERAGED = ("folds", "seeds")
"""The kinds of groups whose runs have one spec."""


@dataclass(frozen=True)
class ListedGroup(ListedRun):
    """A summary of runs that belong together, listed as one run.

    Its metrics are the means over the finished runs of its spec, or of the best of several specs;
    its epochs and values those that all runs share; its status that of the group.

    Attributes:
        kind: what the group is called, as in its file.
        runs: its runs.
        planned: how many there will be, at least.
        specs: how many specs they have, without seeds and folds.
        deviations: the standard deviations of the metrics, of several runs of one spec.
    """

    kind: str
    runs: tuple[ListedRun, ...]
    planned: int
    specs: int
    deviations: dict[str, dict[str, float]]

    @property
    def description(self) -> str:
        """How many runs or specs it has; while it is not complete, how many have finished."""
        done = sum(run.status == "finished" for run in self.runs)
        part = f"{done} of {self.planned}" if self.status != "finished" else ""
        if self.kind in _AVERAGED:
            return f"{part or self.planned} {self.kind if self.planned != 1 else self.kind[:-1]}"
        return f"{self.kind}: {f'{part} runs' if part else f'best of {self.specs}'}"


def grouped(directory: Path, runs: Iterable[ListedRun]) -> list[ListedRun]:
    """Return runs, with each group as one entry in the place of its first run.

    Args:
        directory: the listed folder, which the paths of runs are relative to.
        runs: its runs. A group whose file cannot be read stays as its runs.
    """
    entries: dict[Path, list[ListedRun]] = {}
    file_of = cache(lambda path: _group_file(directory / path))
    for run in runs:
        above = [path for path in reversed(run.path.parents) if path.name]
        group = next((path for path in above if file_of(path) is not None), run.path)
        entries.setdefault(group, []).append(run)
    return [
        _entry(path, file, members) if (file := file_of(path)) is not None else members[0]
        for path, members in entries.items()
    ]


@dataclass(frozen=True)
class _GroupFile:
    """What a list shows of the file of a group.

    Attributes:
        kind: what the group is called.
        status: as in the file.
        planned: how many tasks are listed.
        metric: the metric to compare by; None for the main one.
        seconds: how long it was trained; 0 if it does not say.
    """

    kind: str
    status: str
    planned: int
    metric: str | None
    seconds: float


def _group_file(folder: Path) -> _GroupFile | None:
    """Return what the file in a folder says; None without one, or if it is damaged."""
    try:
        content = parse_json(read_bytes(folder / GROUP)) if (folder / GROUP).is_file() else None
    except (DeclnetError, OSError, ValueError):
        return None
    if not isinstance(content, Mapping):
        return None
    kind, status, metric = (content.get(key) for key in ("kind", "status", "metric"))
    tasks, seconds = content.get("tasks") or (), content.get("seconds") or 0.0
    is_valid = isinstance(kind, str) and isinstance(status, str)
    is_valid &= isinstance(metric, str | None) and isinstance(tasks, list | tuple)
    if not (is_valid and type(seconds) in (int, float) and math.isfinite(seconds)):
        return None
    return _GroupFile(str(kind), str(status), len(tasks), metric, float(seconds))


def _entry(path: Path, file: _GroupFile, runs: Sequence[ListedRun]) -> ListedGroup:
    """Return a group as one entry."""
    points: dict[PurePath, list[ListedRun]] = {}
    for run in runs:
        parts = run.path.relative_to(path).parts
        folders = [part for part in parts if not _SEED_OR_FOLD.fullmatch(part)]
        points.setdefault(PurePath(*folders), []).append(run)
    means = [_means(of_point) for of_point in points.values()]
    averaged = file.kind in _AVERAGED
    metrics, deviations = means[0] if averaged else _best(means, runs, file.metric)
    seconds = [run.seconds for run in runs if run.seconds is not None]
    return ListedGroup(
        path,
        file.status,
        min(run.started for run in runs),
        file.seconds or (sum(seconds) if seconds else None),
        max(run.epochs for run in runs),
        metrics,
        runs[0].better,
        intact=all(run.intact for run in runs),
        values={
            key: value
            for key, value in runs[0].values.items()
            if all(run.values.get(key) == value for run in runs[1:])
        },
        kind=file.kind,
        runs=tuple(runs),
        planned=max(file.planned, len(runs)),
        specs=len(points),
        deviations=deviations,
    )


_Means = tuple[dict[str, dict[str, float | None]], dict[str, dict[str, float]]]
"""Means and standard deviations by data set and name."""


def _means(runs: Sequence[ListedRun]) -> _Means:
    """Return the means over finished runs of one spec, and the deviations of several."""
    finished = [run for run in runs if run.status == "finished" and run.metrics]
    means: dict[str, dict[str, float | None]] = {}
    deviations: dict[str, dict[str, float]] = {}
    for data, name in informative(run.metrics for run in finished):
        values = [run.metrics.get(data, {}).get(name) for run in finished]
        mean, deviation = mean_and_deviation([math.nan if v is None else v for v in values])
        is_known = not math.isnan(mean)
        means.setdefault(data, {})[name] = mean if is_known else None
        if is_known and deviation is not None:
            deviations.setdefault(data, {})[name] = deviation
    return means, deviations


def _best(means: Sequence[_Means], runs: Sequence[ListedRun], text: str | None) -> _Means:
    """Return the means of the best spec by a metric; if None or unknown, by the main one."""
    directions = directions_of(runs)
    known = informative(metrics for metrics, _ in means)
    metric = (find_metric(text, known) if text else None) or main_metric(known, directions)
    better = directions.get(metric[1]) if metric is not None else None
    if metric is None or better is None:
        return means[0]
    data, name = metric
    return min(means, key=lambda one: sort_key(one[0].get(data, {}).get(name), better))
