"""Plan: decides which runs of a group are trained next, by nothing but the group's journal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePath
from typing import Any, Literal

from declnet.contracts.annotations import Misfit, shown
from declnet.contracts.component import Component


@dataclass(frozen=True)
class Task:
    """A run that a plan asks for.

    Attributes:
        folder: the run's folder within that of the group; unique, e.g. `lr-0.1/fold-2`.
        changes: new values of the group's spec, by dotted key.
        seed: the seed; None for the spec's own.
        fold: the fold, from 1; None for the spec's own.
        point: the folder that holds the runs that differ from this one in seed and fold only, and
            make one model with it; empty for that of the group.
        name: the name of the run's spec; default: that of the group, and the point.
        continues: the folder of a finished run to prolong: training goes on from its last
            checkpoint, with its weights and the state of its optimizer.
        base: the number of the group's spec that is changed, from 0, if it has several.
    """

    folder: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    fold: int | None = None
    point: str = ""
    name: str = ""
    continues: str | None = None
    base: int = 0

    def repeats(self, other: Task) -> bool:
        """Return whether both tasks give a run with the same result."""
        keys, others = (
            (repr(sorted(task.changes.items())), task.seed, task.fold, task.continues, task.base)
            for task in (self, other)
        )
        return keys == others


class Step(Enum):
    """What a plan returns instead of a task."""

    WAIT = "wait"
    DONE = "done"


WAIT, DONE = Step.WAIT, Step.DONE


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run of a group.

    Attributes:
        name: the name of its spec.
        directory: its folder.
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
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
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

    def metric(self, name: str) -> float:
        """Return a metric such as `validation.loss`; NaN if the run does not have it."""
        data, _, metric = name.partition(".")
        return self.metrics.get(data, {}).get(metric, math.nan)


class Journal:
    """The tasks of a group, what their runs reported, and how they ended, each in order.

    Attributes:
        tasks: the tasks that were asked for, by folder.
        outcomes: how runs ended, by folder, in the order in which they did.
        reports: the watched metric of each run by folder and epoch.
        stops: why runs were to end early, by folder, each with the epoch of the decision.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.reports: dict[str, dict[int, float]] = {}
        self.stops: dict[str, tuple[int, str]] = {}

    def running(self) -> Iterator[Task]:
        """Yield the tasks that were asked for and have no outcome."""
        return (task for task in self.tasks.values() if task.folder not in self.outcomes)

    def ask(self, task: Task) -> None:
        """Add a task, or reopen one that has ended."""
        self.outcomes.pop(task.folder, None)
        self.tasks[task.folder] = task

    def report(self, task: Task, epoch: int, value: float) -> None:
        """Add the watched metric of a logged epoch."""
        self.reports.setdefault(task.folder, {})[epoch] = value

    def stop(self, task: Task, epoch: int, reason: str) -> None:
        """Add the decision to stop a run early, after the report of an epoch."""
        self.stops[task.folder] = (epoch, reason)

    def end(self, task: Task, outcome: Outcome) -> None:
        """Add how a run ended."""
        self.outcomes[task.folder] = outcome


class Plan(Component):
    """What a group of runs trains: the folds of a spec, the points of a sweep, a search.

    It is a function of the journal alone: a group that was killed asks it again, and gets the same
    tasks.
    """

    kind = "plan"
    conformance_checks = "declnet.testing.checks.plans"
    required_methods = ("next",)

    def next(self, journal: Journal) -> Task | Step:
        """Return a task that is not in the journal; `WAIT` for running ones, or `DONE`.

        It is called again for each task that there is room for, and when a run has ended. `WAIT`
        while no task is running is an error.

        Args:
            journal: what was asked for and what came of it; to be read only.
        """
        raise NotImplementedError

    def verify_next(self, task: Task | Step, journal: Journal) -> None:
        """Raise Misfit for a task that is in the journal or has an invalid folder."""
        if isinstance(task, Step):
            if task is WAIT and not any(True for _ in journal.running()):
                raise Misfit("WAIT", ", but no task is running")
            return
        parts = [*PurePath(task.folder).parts, *PurePath(task.point).parts]
        if task.folder in journal.tasks:
            raise Misfit(f"the task {shown(task.folder)}", " again")
        if not task.folder or ".." in parts or "/" in parts:
            raise Misfit(shown(task.folder), ", which is not a folder within the group's")
        if task.continues is not None and task.continues not in journal.outcomes:
            raise Misfit(f"a task that continues {shown(task.continues)}", ", which has not ended")

    def tasks(self) -> Sequence[Task] | None:
        """Return all tasks, if they are known in advance; default: None.

        Runs of such a plan that failed are trained again if the group is resumed, and shards can
        divide them.
        """
        return None

    def most_tasks(self) -> int | None:
        """Return an upper bound for the number of tasks; default: their number, if known."""
        tasks = self.tasks()
        return len(tasks) if tasks is not None else None

    def watched(self, task: Task) -> str | None:  # noqa: ARG002
        """Return the metric that a run reports, as the history names it; default: none."""
        return None

    def should_stop(self, journal: Journal, task: Task) -> str | None:  # noqa: ARG002
        """Return why a run ends early, after its last report; default: None, it goes on.

        Runs on other machines report with a delay, and so end some epochs later.
        """
        return None

    def close(self) -> None:
        """Release what the plan has opened, once no more tasks are trained; default: nothing."""
