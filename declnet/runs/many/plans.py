"""What decides on the next task: a plan, or a list of tasks that are known in advance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from declnet.contracts.runs.plan import DONE, Journal, Step, Task


class AnyPlan(Protocol):
    """What decides on the next task: a `Plan`, a list of tasks, or a search."""

    def next(self, journal: Journal) -> Task | Step:
        """See `Plan.next`."""

    def tasks(self) -> Sequence[Task] | None:
        """See `Plan.tasks`."""

    def watched(self, task: Task) -> str | None:
        """See `Plan.watched`."""

    def should_stop(self, journal: Journal, task: Task) -> str | None:
        """See `Plan.should_stop`."""


class ListedPlan:
    """A plan whose tasks are known in advance: folds, seeds, the points of a sweep."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks

    def tasks(self) -> Sequence[Task]:
        """See `Plan.tasks`."""
        return self._tasks

    def next(self, journal: Journal) -> Task | Step:
        """Return the first task that is not in the journal, usually after as many as it has."""
        number = len(journal.tasks)
        likely = self._tasks[number : number + 1]
        for task in chain(likely, self._tasks):
            if task.folder not in journal.tasks:
                return task
        return DONE

    def watched(self, _task: Task) -> None:
        """See `Plan.watched`."""

    def should_stop(self, _journal: Journal, _task: Task) -> None:
        """See `Plan.should_stop`."""
