"""Checks on executors: each task is carried out and answered, whatever becomes of the others.

The tasks are specs without anything that could be trained, so their answers are the errors in them.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import declnet
from declnet.contracts.runs.returned import checked_update
from declnet.registry.plugin import FIRST_PARTY
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check

TASKS = 6

MANY = 10_000
"""More tasks than any executor has room for."""


def _task(number: int) -> str:
    """Return a task whose answer names it."""
    content = {
        "spec": {f"task_{number}": number},
        "folder": f"/task-{number}",
        "marker": "/no-such-file",
        "allow_changes": False,
        "disabled": [],
        "versions": {FIRST_PARTY: declnet.__version__},
        "host": socket.gethostname(),
    }
    return json.dumps(content)


class _Tasks:
    """Tasks that are counted as they are taken, in the thread meant for them."""

    def __init__(self, texts: list[str]) -> None:
        self._texts, self._thread = texts, threading.get_ident()
        self.waiting: dict[int, str] = {}
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        for number, text in enumerate(self._texts):
            if threading.get_ident() != self._thread:
                raise CheckFailed(
                    "it takes tasks in a thread other than the one that asks for updates"
                )
            self.waiting[number] = text
            self.taken += 1
            yield text


def _outcomes(subject: Subject, texts: list[str]) -> dict[int, bytes | None]:
    """Return the answer to each task, None if it failed."""
    executor = subject.instance
    reason = executor.unavailable()
    if reason is not None:
        raise CheckSkipped(reason)
    tasks, found = _Tasks(texts), {}
    with calling("execute"):
        for given in executor.execute(iter(tasks)):
            update = checked_update(executor, given, tasks.waiting)
            if update.answer is not None or update.failure is not None:
                del tasks.waiting[update.task]
                found[update.task] = update.answer
    missing = len(texts) - len(found)
    if missing:
        raise CheckFailed(f"execute ended without an update on {missing} of {len(texts)} tasks")
    return found


def _require_answer(number: int, answer: bytes | None) -> None:
    if answer is None or f"task_{number}".encode() not in answer:
        raise CheckFailed(f"the answer to task {number} is not what execute_task returns for it")


@check
def carries_out_each_task(subject: Subject) -> None:
    """Answers each task once, with what `execute_task` returns for it."""
    for number, answer in _outcomes(subject, [_task(each) for each in range(TASKS)]).items():
        _require_answer(number, answer)
    _outcomes(subject, [])


@check
def survives_a_task_that_raises(subject: Subject) -> None:
    """Says of a task that raises an exception that it failed, and answers the others."""
    texts = [_task(0), "not a task", _task(2)]
    found = _outcomes(subject, texts)
    if found.pop(1) is not None:
        raise CheckFailed("a task that raised an exception has an answer")
    for number, answer in found.items():
        _require_answer(number, answer)


@check
def can_be_stopped(subject: Subject) -> None:
    """Takes no more tasks once its iterator is closed."""
    executor = subject.instance
    reason = executor.unavailable()
    if reason is not None:
        raise CheckSkipped(reason)
    tasks = _Tasks([_task(0)] * MANY)
    with calling("execute"):
        updates = executor.execute(iter(tasks))
        next(iter(updates))
        if not hasattr(updates, "close"):
            raise CheckFailed("execute returns no generator, or another iterator with close()")
        updates.close()
    if tasks.taken == MANY:
        raise CheckFailed(f"it took all of {MANY} tasks before the first was answered")


CHECKS = (carries_out_each_task, survives_a_task_that_raises, can_be_stopped)
