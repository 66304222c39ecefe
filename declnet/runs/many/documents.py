"""The summaries of groups of runs: what each file holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from declnet.contracts.network.metric_names import Better
from declnet.contracts.runs.searcher import StudyTrial
from declnet.contracts.serialization import Number, Omitted
from declnet.stored import Stored

Status = Literal["running", "finished", "failed"]


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError(f'"{name}" is not a folder within this one')
    return name


Folder = Annotated[str, AfterValidator(_inside)]
"""The path of a folder within that of the group."""


@dataclass(frozen=True)
class StudySummary:
    """What was known of a study when its summary was written.

    Attributes:
        best: the number of the best trial.
        importance: how much each key matters to the objective; may be empty.
    """

    name: str
    objective: str
    better: Better
    status: Status
    seconds: float
    best: int | None
    importance: dict[str, Number] = field(default_factory=dict)
    trials: tuple[StudyTrial, ...] = ()


@dataclass(frozen=True)
class Spread:
    """The distribution of a metric over several runs.

    Attributes:
        standard_deviation: sample standard deviation (n - 1); None for a single run.
    """

    mean: Number
    standard_deviation: float | None
    min: Number
    max: Number


Spreads = dict[str, dict[str, Spread]]
"""The distributions of metrics by data set and name."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """How a run of a series ended."""

    seed: int
    fold: Omitted[int | None] = None
    folder: Folder
    status: Status
    error: Omitted[str | None] = None
    seconds: Omitted[float | None] = None
    metrics: Omitted[dict[str, dict[str, Number]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SeriesSummary:
    """What came of the runs of a spec, so far.

    Attributes:
        finished: how many of its runs have finished.
        metrics: the metrics of these.
        gaps: the training metrics minus the same metrics of other data.
        seconds: the durations; None if no run has finished.
        jobs: how many runs were trained at once.
        values: the values of the keys that vary, in the summary of a sweep.
    """

    name: str
    seeds: tuple[int, ...]
    finished: int
    metrics: Spreads
    gaps: Spreads
    seconds: Spread | None
    runs: tuple[RunSummary, ...]
    jobs: Omitted[int | None] = None
    values: Omitted[Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SweepSummary:
    """What came of a sweep, so far: its specs, best first by a metric, if any run has finished."""

    metric: str | None
    jobs: Omitted[int | None] = None
    specs: tuple[SeriesSummary, ...]


STUDY_SUMMARY = Stored[StudySummary](StudySummary)
SERIES_SUMMARY = Stored[SeriesSummary](SeriesSummary)
SWEEP_SUMMARY = Stored[SweepSummary](SweepSummary)
