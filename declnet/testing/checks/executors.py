"""Checks on executors: each task is carried out and answered, whatever becomes of the others.

The tasks are specs without anything that could be trained, so their answers are the errors in them,
or rehearsals of what a run reports.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import declnet
from declnet import Executor, ExecutorTask, TaskUpdate, execute_task, verified
from declnet.testing import checking
from declnet.testing.checking import Subject, calling, check, checks_in, require, require_available

TASKS, FAULTY, SOME = 3, 1, 2
"""How many tasks there are, which of them raises an exception, and how many are there at first."""

MANY = 10_000
"""More tasks than any executor has room for."""

STOPPED, REASON = 1, "behind others"
"""The task that is stopped early, and why."""

REPORTS, PAUSE = (3, 40, 3), 0.1
"""How often tasks report, and the seconds between; enough for one that looks once a second."""


def _spec(number: int) -> str:
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


class _Tasks(Iterator[ExecutorTask]):
    """Tasks, exhausted after some of them, and later for good: there are others after an answer."""

    def __init__(self, texts: list[str], pause: int = MANY) -> None:
        self._texts, self._pause, self._thread = texts, pause, threading.get_ident()
        self.count, self.waiting = 0, set[int]()

    def __next__(self) -> ExecutorTask:
        fault = "it takes tasks in a thread other than the one that asks for updates"
        require(threading.get_ident() == self._thread, fault)
        if self.count == min(len(self._texts), self._pause):
            self._pause = MANY
            raise StopIteration
        self.waiting.add(self.count)
        self.count += 1
        return _Task(self._texts[self.count - 1])


def _updates(subject: Subject, texts: list[str]) -> Generator[tuple[int, TaskUpdate], None, None]:
    """Yield the updates of tasks, each with the task's position, until all have an answer."""
    require_available(subject.instance)
    first = 0
    while first < len(texts):
        tasks = _Tasks(texts[first:], SOME)
        updates: Any = verified(Executor.execute, subject.instance, tasks)
        with closing(updates):
            for update in updates:
                fault = f"execute() has news of task {update.task}"
                is_known = update.task in tasks.waiting
                require(is_known, f"{fault}, which it was not handed or has answered")
                if update.answer is not None or update.failure is not None:
                    tasks.waiting.remove(update.task)
                yield first + update.task, update
        missing = f"{len(tasks.waiting)} of {tasks.count} tasks"
        is_done = tasks.count and not tasks.waiting
        require(is_done, f"execute ended without an update on {missing}")
        first += tasks.count


@check
def carries_out_each_task(subject: Subject) -> None:
    """Answers each task once, as `execute_task` does; says of one that raises that it failed."""
    texts = ["not a task" if number == FAULTY else _spec(number) for number in range(TASKS)]
    with calling("execute"):
        for number, update in _updates(subject, texts):
            answer = update.answer if update.failure is None else b""
            if number == FAULTY:
                require(not update.answer, "a task that raised an exception has an answer")
            elif answer is not None:
                fault = f"the answer to task {number} is not what execute_task returns for it"
                require(b"task_%d" % number in answer, fault)


@check
def passes_reports_and_stops_on(subject: Subject) -> None:
    """Passes each task's reports on as they are and in order, and what stops it to it alone."""
    reports = [[f"{task}: {index}" for index in range(count)] for task, count in enumerate(REPORTS)]
    rehearsals = [{"reports": texts, "pause": PAUSE} for texts in reports]
    left, reasons = [iter(texts) for texts in reports], dict[int, Any]()
    can_stop = passes_on = False
    texts = [json.dumps({"rehearsal": rehearsal}) for rehearsal in rehearsals]
    with calling("execute"), closing(_updates(subject, texts)) as updates:
        for task, update in updates:
            if update.answer is not None or update.failure is not None:
                checking.skip_unless(passes_on, "it passes no reports on")
                reasons[task] = _reason(update.answer or b"")
            elif update.report is not None:
                passes_on = True
                fault = f"task {task} did not report {update.report!r} then"
                is_next = update.report in left[task]  # else those before it are lost
                require(is_next, f"{fault}: reports are passed on as they are, once, in order")
                if task == STOPPED and update.stop is not None:
                    can_stop = True
                    update.stop(REASON)
    expected = dict.fromkeys(range(len(reports))) | ({STOPPED: REASON} if can_stop else {})
    fault = f"with stop called for task {STOPPED} only, tasks received {reasons}, not {expected}"
    require(reasons == expected, fault)


def _reason(answer: bytes) -> Any:
    """Return the reason to stop that a rehearsed run received, by its answer."""
    try:
        return json.loads(answer.partition(b"\n")[0])["outcome"]["stopped"]
    except (ValueError, LookupError, TypeError):
        return "no answer of execute_task"


@check
def can_be_stopped(subject: Subject) -> None:
    """Takes no more tasks once its iterator is closed."""
    require_available(subject.instance)
    tasks = _Tasks([_spec(0)] * MANY)
    with calling("execute"):
        updates = subject.instance.execute(tasks)
        next(iter(updates))
        fault = "execute returns no generator, or another iterator with close()"
        require(hasattr(updates, "close"), fault)
        updates.close()
    fault = f"it took all of {MANY} tasks before the first was answered"
    require(tasks.count < MANY, fault)


CHECKS = checks_in(globals())
