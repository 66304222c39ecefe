"""Sweeps: training every combination of specs and seeds, and summarizing the results."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from declnet.contracts.callback import EpochFinished
from declnet.errors import DeclnetError, OutputError
from declnet.registry.registry import Registry
from declnet.runs.folder import claim, claim_numbered
from declnet.runs.resuming import has_begun, resume
from declnet.runs.run import run
from declnet.spec.model import RunSpec, fold_specs
from declnet.training.trainer import Event

Progress = Callable[[float], None]
"""Called with the completed fraction of a run, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Task:
    """A run to execute.

    Attributes:
        spec: the spec, with the run's own seed.
        directory: the output folder, new or empty.
        resumes: whether the folder may hold what an earlier process did of the run.
        allow_changes: as for `resume`.
    """

    spec: RunSpec
    directory: Path
    resumes: bool = False
    allow_changes: bool = False

    def outcome(
        self,
        metrics: dict[str, dict[str, float]] | None = None,
        seconds: float | None = None,
        error: str | None = None,
    ) -> Outcome:
        """Return the outcome of this task."""
        spec = self.spec
        return Outcome(
            spec.name, spec.seed, self.directory, metrics or {}, seconds, error, spec.data.fold
        )


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    Attributes:
        metrics: metrics of the finished model by data set, as in `metrics.json`; empty for a
            failed run.
        seconds: duration as in the manifest; None for a failed run.
        error: why the run failed, or None.
        fold: the fold selected by the spec, counted from 1, or None.
    """

    name: str
    seed: int
    directory: Path
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    fold: int | None = None

    @property
    def label(self) -> str:
        """The name used for the run in messages."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.name}, seed {self.seed}{fold}"

    @property
    def status(self) -> Literal["finished", "failed"]:
        """The run's status as in the manifest."""
        return "finished" if self.error is None else "failed"


def carry_out(task: Task, registry: Registry, progress: Progress) -> Outcome:
    """Execute the run; return a failure that declnet can explain as an outcome."""
    epochs = task.spec.training.most_epochs or 1

    def listener(event: Event) -> None:
        nonlocal epochs
        if isinstance(event, EpochFinished):
            done: float = event.epoch + 1
        else:
            done, epochs = event.epochs_done, event.epochs
        progress(done / epochs)

    try:
        if task.resumes and has_begun(task.directory):
            result = resume(
                task.directory,
                allow_changes=task.allow_changes,
                listener=listener,
                registry=registry,
            )
        else:
            result = run(task.spec, out=task.directory, listener=listener, registry=registry)
    except DeclnetError as error:
        return task.outcome(error=str(error))
    return task.outcome(result.metrics, round(result.seconds, 3))


SWEEP = "sweep"


def claim_parent(out: Path | None, runs: Path, name: str) -> Path:
    """Create the folder for all runs: `out`, new or empty, or `<runs>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty.
        RunError: the folder cannot be created.
    """
    return claim(out) if out is not None else claim_numbered(runs, name)


def tasks_of(spec: RunSpec, seeds: Sequence[int] | None, parent: Path) -> list[Task]:
    """Return a task for each seed and each of the spec's folds.

    Args:
        spec: the spec, which may have folds without selecting one.
        seeds: the seeds; None uses the spec's own.
        parent: the folder that contains `seed-<seed>`, `fold-<fold>` or `seed-<seed>/fold-<fold>`.
    """
    tasks = []
    for seed in [spec.seed] if seeds is None else seeds:
        seeded = spec.model_copy(update={"seed": seed})
        folder = parent if seeds is None else parent / f"seed-{seed}"
        if spec.data.is_cross_validation:
            tasks += [Task(each, folder / f"fold-{each.data.fold}") for each in fold_specs(seeded)]
        else:
            tasks.append(Task(seeded, folder))
    return tasks


def check_names(specs: Sequence[tuple[Path, RunSpec]]) -> None:
    """Reject specs with the same name, whose runs would go to the same folder.

    Raises:
        OutputError: two specs have the same name, ignoring case.
    """
    files: dict[str, Path] = {}
    for file, spec in specs:
        other = files.setdefault(spec.name.lower(), file)
        if other is not file:
            message = f'{other} and {file} are both called "{spec.name}"'
            raise OutputError(f"{message}; rename one, since their runs would share a folder")


@dataclass(frozen=True)
class Spread:
    """The distribution of a metric over several runs.

    Attributes:
        standard_deviation: sample standard deviation (n - 1); None for a single run.
    """

    mean: float
    standard_deviation: float | None
    minimum: float
    maximum: float

    def as_data(self) -> dict[str, float | None]:
        """Return the values as in `summary.json`."""
        return {
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "min": self.minimum,
            "max": self.maximum,
        }


def spread(values: Sequence[float]) -> Spread:
    """Return mean, standard deviation and range; all NaN if any value is not finite.

    Args:
        values: at least one value.
    """
    if not all(map(math.isfinite, values)):
        return Spread(math.nan, math.nan, math.nan, math.nan)
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), deviation, min(values), max(values))


@dataclass(frozen=True)
class Series:
    """The outcomes of one spec, ordered by seed and then by fold."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def finished(self) -> list[Outcome]:
        """The outcomes of finished runs."""
        return [each for each in self.outcomes if each.error is None]

    def metrics(self) -> dict[tuple[str, str], list[float]]:
        """Return every metric of the finished runs by data set and name, in run order."""
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            for data, values in outcome.metrics.items():
                for name, value in values.items():
                    found.setdefault((data, name), []).append(value)
        return found

    def gaps(self) -> dict[tuple[str, str], list[float]]:
        """Return the training metric of each finished run minus the same metric on other data.

        Keys are the other data set and the name of a metric that both data sets have.
        """
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            train = outcome.metrics.get("train", {})
            for data, values in outcome.metrics.items():
                for name in values if data != "train" else ():
                    if name in train:
                        found.setdefault((data, name), []).append(train[name] - values[name])
        return found

    def seconds(self) -> list[float]:
        """Return the durations of the finished runs in seconds."""
        return [each.seconds for each in self.finished if each.seconds is not None]

    def as_data(self, directory: Path) -> dict[str, Any]:
        """Return the content of `<directory>/summary.json`, with null for non-finite metrics."""
        seconds = self.seconds()
        return {
            "name": self.name,
            "seeds": list(dict.fromkeys(each.seed for each in self.outcomes)),
            "finished": len(self.finished),
            "metrics": _spreads(self.metrics()),
            "gaps": _spreads(self.gaps()),
            "seconds": spread(seconds).as_data() if seconds else None,
            "runs": [_run(each, directory) for each in self.outcomes],
        }


def series_of(outcomes: Iterable[Outcome]) -> list[Series]:
    """Return the series in order of first appearance, each with its runs by seed and fold."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, []).append(outcome)
    return [
        Series(name, tuple(sorted(each, key=lambda outcome: (outcome.seed, outcome.fold or 0))))
        for name, each in by_name.items()
    ]


def _spreads(metrics: dict[tuple[str, str], list[float]]) -> dict[str, dict[str, Any]]:
    """Return the spread of each metric as data, by data set and name."""
    found: dict[str, dict[str, Any]] = {}
    for (data, name), values in metrics.items():
        found.setdefault(data, {})[name] = spread(values).as_data()
    return found


def _run(outcome: Outcome, directory: Path) -> dict[str, Any]:
    data: dict[str, Any] = {
        "seed": outcome.seed,
        **({"fold": outcome.fold} if outcome.fold is not None else {}),
        "folder": outcome.directory.relative_to(directory).as_posix(),
        "status": outcome.status,
    }
    if outcome.error is not None:
        return data | {"error": outcome.error}
    return data | {"seconds": outcome.seconds, "metrics": outcome.metrics}
