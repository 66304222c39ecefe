"""Checks on plans: they end, and nothing but the journal decides what they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from declnet import Journal, Outcome, Plan, Step, Task, verified
from declnet.testing.checking import CheckFailed, Subject, calling, check, checks_in, require

MOST_TASKS = 1000
"""More tasks are taken for a plan without an end."""


class _Metrics(dict[str, float]):
    """Any metric of a run: a number that depends on its task."""

    def get(self, _name: str, _default: Any = None) -> float:
        return self["any"]

    def __missing__(self, name: str) -> float:
        return sum(map(ord, name)) % 97 / 97


def _end(journal: Journal, task: Task) -> None:
    values = {data: _Metrics(any=sum(map(ord, data + task.folder)) % 101 / 101) for data in _SETS}
    outcome = Outcome("run", task.seed or 0, Path(task.folder), values, 0.1, fold=task.fold)
    journal.end(task, outcome)


_SETS = ("train", "validation", "test")


def _tasks(subject: Subject, *, at_once: int = 1, killed: bool = False) -> list[Task]:
    """Return what a plan asks for until it is done.

    Args:
        subject: the plan.
        at_once: how many runs are in progress at most.
        killed: whether another process asks for each task, with the journal of those before.
    """
    plan: Plan = subject.instance
    journal = Journal()
    while len(journal.tasks) < MOST_TASKS:
        with calling("next"):
            step = verified(Plan.next, plan, journal)
            if killed:
                again = type(plan).model_validate(plan.model_dump()).next(_copy(journal))
                require(again == step, f"asks for {step}, and after a kill for {again}")
        running = list(journal.running())
        if isinstance(step, Task):
            journal.ask(step)
            running.append(step)
        elif not running:
            return list(journal.tasks.values())
        if isinstance(step, Step) or len(running) >= at_once:
            _end(journal, running[0])
    raise CheckFailed(f"asked for {MOST_TASKS} tasks, and was not done")


def _copy(journal: Journal) -> Journal:
    """Return another journal with the same entries."""
    copy = Journal()
    for task in journal.tasks.values():
        copy.ask(task)
    for folder, outcome in journal.outcomes.items():
        copy.end(journal.tasks[folder], outcome)
    return copy


@check
def asks_for_runs_and_ends(subject: Subject) -> None:
    """Asks for runs in folders of their own, one at a time and several, until it is done."""
    for at_once in (1, 3):
        require(_tasks(subject, at_once=at_once), "asks for no run")


@check
def depends_on_the_journal_alone(subject: Subject) -> None:
    """Asks for the same runs again, also if each time another process does."""
    same = _tasks(subject) == _tasks(subject, killed=True)
    require(same, "asks for other runs with the same journal")


CHECKS = checks_in(globals())
