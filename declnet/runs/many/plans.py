"""What decides on the next task: a list of tasks, or what a third party's plan returns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from declnet.contracts.returned import verified
from declnet.contracts.runs.plan import DONE, Journal, Plan, Step, Task


class AnyPlan(Protocol):
    """What decides on the next task: a list of tasks, a search, or a third party's plan."""

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


class VerifiedPlan:
    """A third party's plan, whose answers are verified."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def tasks(self) -> Sequence[Task] | None:
        """See `Plan.tasks`."""
        return verified(Plan.tasks, self._plan)

    def next(self, journal: Journal) -> Task | Step:
        """See `Plan.next`."""
        return verified(Plan.next, self._plan, journal)

    def watched(self, task: Task) -> str | None:
        """See `Plan.watched`."""
        return verified(Plan.watched, self._plan, task)

    def should_stop(self, journal: Journal, task: Task) -> str | None:
        """See `Plan.should_stop`."""
        return verified(Plan.should_stop, self._plan, journal, task)
