"""Sweeps: every one of some specs trained with every one of some seeds, and what came of it."""

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
from declnet.runs.run import run
from declnet.spec.model import RunSpec, fold_specs
from declnet.training.trainer import Event

Progress = Callable[[float], None]
"""Called with the share of a run that is done, from 0 to 1."""


@dataclass(frozen=True, eq=False)
class Task:
    """A run that is to be made.

    Attributes:
        spec: with the run's own seed.
        directory: new or empty.
    """

    spec: RunSpec
    directory: Path

    def outcome(
        self,
        metrics: dict[str, dict[str, float]] | None = None,
        seconds: float | None = None,
        error: str | None = None,
    ) -> Outcome:
        """What came of it."""
        spec = self.spec
        return Outcome(
            spec.name, spec.seed, self.directory, metrics or {}, seconds, error, spec.data.fold
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        metrics: of the finished model by data set, as in `metrics.json`; empty of a failed run.
        seconds: as in the manifest; None of a failed run.
        error: why it failed, or None.
        fold: the one that the spec chose, counted from 1, or None.
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
        """What messages call the run."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.name}, seed {self.seed}{fold}"

    @property
    def status(self) -> Literal["finished", "failed"]:
        """As the manifest has it."""
        return "finished" if self.error is None else "failed"


def carry_out(task: Task, registry: Registry, progress: Progress) -> Outcome:
    """Makes the run; one that declnet can explain as failed is an outcome and no exception."""
    epochs = task.spec.training.epochs

    def listener(event: Event) -> None:
        done = event.epoch + 1 if isinstance(event, EpochFinished) else event.epochs_done
        progress(done / epochs)

    try:
        result = run(task.spec, out=task.directory, listener=listener, registry=registry)
    except DeclnetError as error:
        return task.outcome(error=str(error))
    return task.outcome(result.metrics, round(result.seconds, 3))


SWEEP = "sweep"


def claim_parent(out: Path | None, runs: Path, name: str) -> Path:
    """The folder that all runs go to: `out`, new or empty, or `<runs>/<name>-<number>`.

    Raises:
        OutputError: `out` is not empty.
        RunError: the folder cannot be made.
    """
    return claim(out) if out is not None else claim_numbered(runs, name)


def tasks_of(spec: RunSpec, seeds: Sequence[int] | None, parent: Path) -> list[Task]:
    """A task for each seed, and of each seed for each of the spec's folds.

    Args:
        spec: which may have folds and choose none.
        seeds: None takes the spec's own.
        parent: what holds `seed-<seed>`, `fold-<fold>` or `seed-<seed>/fold-<fold>`.
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
    """Refuses specs of the same name, whose runs would go to the same folder.

    Raises:
        OutputError: two specs share a name, in whatever case.
    """
    files: dict[str, Path] = {}
    for file, spec in specs:
        other = files.setdefault(spec.name.lower(), file)
        if other is not file:
            raise OutputError(
                f'{other} and {file} are both called "{spec.name}"; give one another name, so that '
                "their runs can be told apart"
            )


@dataclass(frozen=True)
class Spread:
    """How a figure lies over several runs.

    Attributes:
        standard_deviation: of the sample (n - 1); None of a single run.
    """

    mean: float
    standard_deviation: float | None
    minimum: float
    maximum: float

    def as_data(self) -> dict[str, float | None]:
        """As `summary.json` has it."""
        return {
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "min": self.minimum,
            "max": self.maximum,
        }


def spread(values: Sequence[float]) -> Spread:
    """Mean, deviation and range; all NaN if any value is not finite.

    Args:
        values: at least one.
    """
    if not all(map(math.isfinite, values)):
        return Spread(math.nan, math.nan, math.nan, math.nan)
    deviation = stdev(values) if len(values) > 1 else None
    return Spread(fmean(values), deviation, min(values), max(values))


@dataclass(frozen=True)
class Series:
    """The outcomes of one spec, in the order of the seeds and then of the folds."""

    name: str
    outcomes: tuple[Outcome, ...]

    @property
    def finished(self) -> list[Outcome]:
        """Those with figures."""
        return [each for each in self.outcomes if each.error is None]

    def figures(self) -> dict[tuple[str, str], list[float]]:
        """Every figure of the finished runs by data set and name, in the order of the runs."""
        found: dict[tuple[str, str], list[float]] = {}
        for outcome in self.finished:
            for data, values in outcome.metrics.items():
                for name, value in values.items():
                    found.setdefault((data, name), []).append(value)
        return found

    def seconds(self) -> list[float]:
        """Of the finished runs."""
        return [each.seconds for each in self.finished if each.seconds is not None]

    def as_data(self, directory: Path) -> dict[str, Any]:
        """The content of `<directory>/summary.json`; figures that are no number are null there."""
        spreads: dict[str, dict[str, Any]] = {}
        for (data, name), values in self.figures().items():
            spreads.setdefault(data, {})[name] = spread(values).as_data()
        seconds = self.seconds()
        return {
            "name": self.name,
            "seeds": list(dict.fromkeys(each.seed for each in self.outcomes)),
            "finished": len(self.finished),
            "figures": spreads,
            "seconds": spread(seconds).as_data() if seconds else None,
            "runs": [_run(each, directory) for each in self.outcomes],
        }


def series_of(outcomes: Iterable[Outcome]) -> list[Series]:
    """The series by name, in the order in which the names come first; runs by seed and fold."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, []).append(outcome)
    return [
        Series(name, tuple(sorted(each, key=lambda outcome: (outcome.seed, outcome.fold or 0))))
        for name, each in by_name.items()
    ]


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
