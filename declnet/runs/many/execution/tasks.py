"""Tasks: the runs of a sweep, study, or of folds or seeds, and what came of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from declnet.contracts.runs.callback import EpochFinished
from declnet.data.splits import Data
from declnet.errors import DeclnetError
from declnet.registry.registry import Registry
from declnet.runs.result import RunResult
from declnet.runs.resuming import has_begun, resume
from declnet.runs.run import run
from declnet.runs.session import Listener, StopWhen
from declnet.runs.signals import DeadlineReached, interrupted_at
from declnet.spec.model import RunSpec, fold_specs
from declnet.training.trainer import Event

Progress = Callable[[float], None]
"""Called with the completed fraction of a run, from 0 to 1."""

HEARTBEAT = 0.2
"""Minimum seconds between two calls of a `Progress` from elsewhere."""


@dataclass(frozen=True, eq=False)
class Task:
    """A run to execute.

    Attributes:
        spec: the spec, with the run's own seed.
        directory: the output folder, new or empty.
        resumes: whether the folder may hold what an earlier process did of the run.
        allow_changes: as for `resume`.
        stop_when: as for `run`; called in the process that gives out the tasks.
        data: data sets by name, used instead of the spec's; only in this process.
        deadline: when the run is interrupted, as `time.time` counts seconds.
    """

    spec: RunSpec
    directory: Path
    resumes: bool = False
    allow_changes: bool = False
    stop_when: StopWhen | None = None
    data: Mapping[str, Data] | None = None
    deadline: float = math.inf

    def execute(self, registry: Registry | None, listener: Listener | None = None) -> RunResult:
        """Train the run, or what is left of it.

        Raises:
            DeclnetError: as `run` and `resume` do.
        """
        if self.resumes and has_begun(self.directory):
            return resume(
                self.directory,
                self.data,
                allow_changes=self.allow_changes,
                listener=listener,
                registry=registry,
                stop_when=self.stop_when,
            )
        return run(
            self.spec,
            self.data,
            out=self.directory,
            listener=listener,
            registry=registry,
            stop_when=self.stop_when,
        )

    def outcome(
        self,
        metrics: dict[str, dict[str, float]] | None = None,
        seconds: float | None = None,
        error: str | None = None,
        stopped: str | None = None,
        *,
        interrupted: bool = False,
    ) -> Outcome:
        """Return the outcome of this task."""
        spec, fold = self.spec, self.spec.data.fold
        found = metrics or {}
        name, seed, folder = spec.name, spec.seed, self.directory
        return Outcome(name, seed, folder, found, seconds, error, fold, stopped, interrupted)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    Attributes:
        metrics: metrics of the finished model by data set, as in `metrics.json`; empty for a
            failed run.
        seconds: duration as in the manifest; None for a failed run.
        error: why the run failed, or None.
        fold: the fold selected by the spec, counted from 1, or None.
        stopped: why the training ended early, or None.
        interrupted: whether its deadline ended the run, which can be resumed.
    """

    name: str
    seed: int
    directory: Path
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None
    fold: int | None = None
    stopped: str | None = None
    interrupted: bool = False

    @property
    def label(self) -> str:
        """The name used for the run in messages."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.name}, seed {self.seed}{fold}"

    @property
    def status(self) -> Literal["finished", "failed"]:
        """The run's status as in the manifest."""
        return "finished" if self.error is None else "failed"

    def answer(self) -> dict[str, Any]:
        """Return what another process answers, for `Task.outcome` to make this again."""
        names = ("metrics", "seconds", "error", "stopped", "interrupted")
        return {name: getattr(self, name) for name in names}


Follow = Callable[[Task, float], None]
"""Called with a running task and its completed fraction."""


def carry_out(task: Task, registry: Registry, progress: Progress) -> Outcome:
    """Execute the run; an explained failure and the deadline are outcomes, too."""
    epochs = task.spec.training.most_epochs or 1

    def listener(event: Event) -> None:
        nonlocal epochs
        if isinstance(event, EpochFinished):
            done: float = event.epoch + 1
        else:
            done, epochs = event.epochs_done, event.epochs
        progress(done / epochs)

    try:
        with interrupted_at(task.deadline):
            result = task.execute(registry, listener)
    except DeadlineReached:
        return task.outcome(interrupted=True)
    except DeclnetError as error:
        return task.outcome(error=str(error))
    return task.outcome(result.metrics, round(result.seconds, 3), stopped=result.stopped)


def one_after_another(
    tasks: Iterable[Task], registry: Registry, follow: Follow
) -> Generator[Outcome, None, None]:
    """Execute tasks in this process and yield each outcome."""
    for task in tasks:
        yield carry_out(task, registry, partial(follow, task))


def at_intervals(report: Progress) -> Progress:
    """Return what reports the progress of a run, but once in `HEARTBEAT` seconds at most."""
    last = 0.0

    def progress(share: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last > HEARTBEAT:
            last = now
            report(share)

    return progress


def tasks_of(
    spec: RunSpec,
    seeds: Sequence[int] | None,
    parent: Path,
    data: Mapping[str, Data] | None = None,
) -> list[Task]:
    """Return a task for each seed and each of the spec's folds.

    Args:
        spec: the spec, which may have folds without selecting one.
        seeds: the seeds; None uses the spec's own.
        parent: the folder that contains `seed-<seed>`, `fold-<fold>` or `seed-<seed>/fold-<fold>`.
        data: as of the tasks.
    """
    tasks = []
    for seed in [spec.seed] if seeds is None else seeds:
        seeded = spec.model_copy(update={"seed": seed})
        folder = parent if seeds is None else parent / f"seed-{seed}"
        if spec.data.is_cross_validation:
            folds = ((each, folder / f"fold-{each.data.fold}") for each in fold_specs(seeded))
            tasks += [Task(*each, data=data) for each in folds]
        else:
            tasks.append(Task(seeded, folder, data=data))
    return tasks
