"""Runs of a folder that belong together as one entry of a list: folds, seeds, a sweep, a study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from statistics import fmean, stdev
from typing import Any

from declnet.errors import DeclnetError
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
"""The folder of a run within that of its spec."""
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
    """Return runs with those of each group as one entry, in the place of its first run.

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
        members[0] if file_of(path) is None else _entry(path, file_of(path) or {}, members)
        for path, members in entries.items()
    ]


def _group_file(folder: Path) -> Mapping[str, Any] | None:
    try:
        content = parse_json(read_bytes(folder / GROUP)) if (folder / GROUP).is_file() else None
    except (DeclnetError, OSError, ValueError):
        return None
    return content if isinstance(content, Mapping) else None


def _entry(path: Path, file: Mapping[str, Any], runs: Sequence[ListedRun]) -> ListedGroup:
    """Return a group as one entry."""
    points: dict[PurePath, list[ListedRun]] = {}
    for run in runs:
        parts = run.path.relative_to(path).parts
        folders = [part for part in parts if not _SEED_OR_FOLD.fullmatch(part)]
        points.setdefault(PurePath(*folders), []).append(run)
    kind, tasks = str(file.get("kind")), file.get("tasks")
    means = [_means(of_point) for of_point in points.values()]
    averaged = kind in _AVERAGED
    metrics, deviations = means[0] if averaged else _best(means, runs, file.get("metric"))
    seconds = [run.seconds for run in runs if run.seconds is not None]
    return ListedGroup(
        path,
        str(file.get("status")),
        min(run.started for run in runs),
        float(file.get("seconds") or 0) or (sum(seconds) if seconds else None),
        max(run.epochs for run in runs),
        metrics,
        runs[0].better,
        intact=all(run.intact for run in runs),
        values={
            key: value
            for key, value in runs[0].values.items()
            if all(run.values.get(key) == value for run in runs[1:])
        },
        kind=kind,
        runs=tuple(runs),
        planned=max(len(tasks or ()), len(runs)),
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
        known = [value for value in values if value is not None]
        complete = len(known) == len(finished)
        means.setdefault(data, {})[name] = fmean(known) if complete else None
        if complete and len(known) > 1:
            deviations.setdefault(data, {})[name] = stdev(known)
    return means, deviations


def _best(means: Sequence[_Means], runs: Sequence[ListedRun], text: str | None) -> _Means:
    """Return those of the best spec by a metric, the main one if it is None or unknown."""
    directions = directions_of(runs)
    known = informative(metrics for metrics, _ in means)
    metric = (find_metric(text, known) if text else None) or main_metric(known, directions)
    better = directions.get(metric[1]) if metric is not None else None
    if metric is None or better is None:
        return means[0]
    data, name = metric
    return min(means, key=lambda one: sort_key(one[0].get(data, {}).get(name), better))
