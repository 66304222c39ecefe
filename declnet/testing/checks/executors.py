"""Checks on executors: each task is carried out and answered, whatever becomes of the others.

The tasks are specs without anything that could be trained, so their answers are the errors in them,
or rehearsals of what a run reports.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import declnet
from declnet import Executor, ExecutorTask, TaskUpdate, execute_task, verified
from declnet.testing.checking import (
    CheckFailed,
    CheckSkipped,
    Subject,
    calling,
    check,
    require_available,
)

TASKS = 4

MANY = 10_000
"""More tasks than any executor has room for."""

STOPPED, REASON = 1, "behind others"
"""The task that is stopped early, and why."""

REPORTS_OF_A_LONG_RUN, SECONDS_BETWEEN_REPORTS = 40, 0.1
"""Enough for an executor that looks for news once a second."""


def _task(number: int) -> str:
    """Return a task whose answer names it."""
    content = {
        "spec": {f"task_{number}": number},
        "folder": f"/task-{number}",
        "marker": "/no-such-file",
        "allow_changes": False,
        "disabled": [],
        "versions": {"declnet": declnet.__version__},
        "host": socket.gethostname(),
    }
    return json.dumps(content)


class _Task(ExecutorTask):
    """A task that is carried out as its text says."""

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def text(self) -> str:
        return self._text

    def execute(self, progress: Callable[[float], object] | None = None) -> bytes:
        return execute_task(self._text, progress)


class _Tasks:
    """Tasks that are counted as they are taken, in the thread meant for them."""

    def __init__(self, texts: list[str]) -> None:
        self._texts, self._thread = texts, threading.get_ident()
        self.waiting: dict[int, str] = {}
        self.taken = 0

    def __iter__(self) -> Iterator[ExecutorTask]:
        for number, text in enumerate(self._texts):
            if threading.get_ident() != self._thread:
                raise CheckFailed(
                    "it takes tasks in a thread other than the one that asks for updates"
                )
            self.waiting[number] = text
            self.taken += 1
            yield _Task(text)


def _usable(subject: Subject) -> Executor:
    executor: Executor = subject.instance
    require_available(executor)
    return executor


def _updates(executor: Executor, tasks: _Tasks) -> Iterator[TaskUpdate]:
    """Yield the updates of an executor, which must be about tasks that wait for an answer."""
    updates: Any = verified(Executor.execute, executor, iter(tasks))
    with closing(updates):
        for update in updates:
            if update.task not in tasks.waiting:
                raise CheckFailed(
                    f"execute() has news of task {update.task}, which it was not handed or has "
                    "answered"
                )
            yield update


def _outcomes(subject: Subject, texts: list[str]) -> dict[int, bytes | None]:
    """Return the answer to each task, None if it failed."""
    executor, tasks, answers = _usable(subject), _Tasks(texts), {}
    with calling("execute"):
        for update in _updates(executor, tasks):
            if update.answer is not None or update.failure is not None:
                del tasks.waiting[update.task]
                answers[update.task] = update.answer
    missing = len(texts) - len(answers)
    if missing:
        raise CheckFailed(f"execute ended without an update on {missing} of {len(texts)} tasks")
    return answers


def _require_answer(number: int, answer: bytes | None) -> None:
    if answer is None or f"task_{number}".encode() not in answer:
        raise CheckFailed(f"the answer to task {number} is not what execute_task returns for it")


def _received(answer: bytes) -> str | None:
    """Return the reason to stop that a rehearsed run received, by its answer."""
    try:
        reason: str | None = json.loads(answer.partition(b"\n")[0])["outcome"]["stopped"]
    except (ValueError, LookupError, TypeError):
        return "no answer of execute_task"
    return reason


@check
def carries_out_each_task(subject: Subject) -> None:
    """Answers each task once, with what `execute_task` returns for it."""
    for number, answer in _outcomes(subject, [_task(index) for index in range(TASKS)]).items():
        _require_answer(number, answer)
    _outcomes(subject, [])


@check
def survives_a_task_that_raises(subject: Subject) -> None:
    """Says of a task that raises an exception that it failed, and answers the others."""
    texts = [_task(0), "not a task", _task(2)]
    answers = _outcomes(subject, texts)
    if answers.pop(1) is not None:
        raise CheckFailed("a task that raised an exception has an answer")
    for number, answer in answers.items():
        _require_answer(number, answer)


@check
def passes_reports_and_stops_on(subject: Subject) -> None:
    """Passes each task's reports on as they are and in order, and what stops it to it alone."""
    executor = _usable(subject)
    reports = {number: [f"{number}: {index}" for index in range(3)] for number in range(3)}
    reports[STOPPED] = [f"{STOPPED}: {index}" for index in range(REPORTS_OF_A_LONG_RUN)]
    texts = [
        json.dumps({"rehearsal": {"reports": report, "pause": SECONDS_BETWEEN_REPORTS}})
        for report in reports.values()
    ]
    tasks = _Tasks(texts)
    left, answers = {number: iter(report) for number, report in reports.items()}, dict[int, bytes]()
    passes_on = can_stop = False
    with calling("execute"):
        for update in _updates(executor, tasks):
            if update.answer is not None or update.failure is not None:
                del tasks.waiting[update.task]
                answers[update.task] = update.answer or b""
            elif update.report is not None:
                passes_on = True
                if update.report not in left[update.task]:  # or those before it are lost
                    raise CheckFailed(
                        f"task {update.task} did not report {update.report!r} then: reports are "
                        "passed on as they are, once, in order"
                    )
                if update.task == STOPPED and update.stop is not None:
                    can_stop = True
                    update.stop(REASON)
    if not passes_on:
        raise CheckSkipped("it passes no reports on")
    for number in reports:
        reason = _received(answers.get(number, b""))
        expected = REASON if number == STOPPED and can_stop else None
        if reason != expected:
            raise CheckFailed(
                f"with stop called for task {STOPPED} only, task {number} received {reason!r}, "
                f"not {expected!r}"
            )


@check
def can_be_stopped(subject: Subject) -> None:
    """Takes no more tasks once its iterator is closed."""
    executor, tasks = _usable(subject), _Tasks([_task(0)] * MANY)
    with calling("execute"):
        updates = executor.execute(iter(tasks))
        next(iter(updates))
        if not hasattr(updates, "close"):
            raise CheckFailed("execute returns no generator, or another iterator with close()")
        updates.close()
    if tasks.taken == MANY:
        raise CheckFailed(f"it took all of {MANY} tasks before the first was answered")


CHECKS = (
    carries_out_each_task,
    survives_a_task_that_raises,
    passes_reports_and_stops_on,
    can_be_stopped,
)
