"""The JSON files of groups of runs: what each holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

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
class Member:
    """A run of one spec: its folder, seed and fold, and the checksum of its manifest at the end."""

    folder: Folder
    seed: int
    fold: Omitted[int | None] = None
    manifest: Omitted[str | None] = None


@dataclass(frozen=True)
class EnsembleContent:
    """The folds or seeds of a spec, and the checksums of the files beside their folders."""

    status: Status
    name: str
    runs: Annotated[tuple[Member, ...], Field(min_length=1)]
    files: dict[str, str]


@dataclass(frozen=True)
class SweptSpecContent:
    """One of the specs of a sweep: its folder, the values that vary, its seeds, and its TOML."""

    name: Folder
    values: Mapping[str, Any]
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    spec: str


@dataclass(frozen=True)
class SweepContent:
    """A sweep.

    Attributes:
        metric: the metric to compare the specs by; None for the main one.
        ascending: whether its lowest mean comes first; None for the best.
    """

    status: Status
    metric: str | None
    ascending: bool | None
    specs: Annotated[tuple[SweptSpecContent, ...], Field(min_length=1)]


@dataclass(frozen=True)
class StudyContent:
    """A study.

    Attributes:
        seconds: how long it took, over all sessions.
        worker: what identifies its folder among those that share the study.
        folder: the folder of its spec.
        document: its spec as TOML, with the section `[tune]`.
    """

    status: Status
    started: str
    seconds: float
    worker: str
    folder: str
    document: str


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


ENSEMBLE_FILE = Stored[EnsembleContent](EnsembleContent)
SWEEP_FILE = Stored[SweepContent](SweepContent)
STUDY_FILE = Stored[StudyContent](StudyContent)
STUDY_SUMMARY = Stored[StudySummary](StudySummary)
SERIES_SUMMARY = Stored[SeriesSummary](SeriesSummary)
SWEEP_SUMMARY = Stored[SweepSummary](SweepSummary)
