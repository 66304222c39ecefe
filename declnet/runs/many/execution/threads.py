"""Executing tasks side by side in threads of this process.

A run whose steps an engine makes needs Python a few times a second, so that as many runs as there
are cores train at once, with what they have in common loaded once. Others run in worker processes.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from contextvars import copy_context
from queue import SimpleQueue
from threading import Thread

from declnet.errors import error_summary
from declnet.registry.registry import Registry
from declnet.runs.many.execution.tasks import (
    Follow,
    Outcome,
    Progress,
    Task,
    at_intervals,
    carry_out,
    one_after_another,
)
from declnet.runs.many.execution.workers import at_once
from declnet.training.alongside import (
    Alongside,
    PythonNeededError,
    beside_others,
)
from declnet.training.numerics import one_blas_thread

PROCESSES_WORTHWHILE = 4.0
"""Seconds of runs that need Python from which on worker processes take them: starting one takes
about a second."""

FIXED = 0.01
"""Seconds that a run takes besides its steps, about."""


def side_by_side(
    tasks: Sequence[Task],
    jobs: int,
    registry: Registry,
    disabled: Sequence[str],
    follow: Follow,
) -> Generator[Outcome, None, None]:
    """Execute tasks in parallel; yield outcomes in order of completion.

    Each has the results of a separate run, to the bit. If this ends early,
    e.g. by an interruption, the runs are recorded as interrupted.

    Args:
        tasks: the tasks, in the order in which they are started; those that need Python are last.
        jobs: how many to execute at once; more than 1.
        registry: where names are looked up.
        disabled: plugins that worker processes disable.
        follow: called in this thread on each heartbeat.
    """
    with one_blas_thread():
        threads = _Threads(tasks, jobs, registry)
        yield from threads.outcomes(follow)
        numbers = {id(task): number for number, task in enumerate(tasks)}
        left = sorted(threads.left, key=lambda each: numbers[id(each[0])])
        lasting = sum(seconds + FIXED for _, seconds in left)
        given = any(task.data is not None for task, _ in left)  # which another process has not
        if given or lasting < PROCESSES_WORTHWHILE or len(left) == 1:
            yield from one_after_another([task for task, _ in left], registry, follow)
        else:
            yield from at_once([task for task, _ in left], jobs, disabled, follow)


class _Threads:
    """Threads that execute those tasks which seldom need Python.

    Attributes:
        left: the other tasks, with the seconds that each takes.
    """

    def __init__(self, tasks: Sequence[Task], jobs: int, registry: Registry) -> None:
        self._waiting, self._registry = deque(tasks), registry
        self._jobs, self._runs = jobs, Alongside(jobs=jobs, runs=len(tasks))
        self._answers: SimpleQueue[Outcome | tuple[Task, float] | None] = SimpleQueue()
        self._need_python: dict[tuple[int, ...], float] = {}
        self.left: list[tuple[Task, float]] = []

    def outcomes(self, follow: Follow) -> Generator[Outcome, None, None]:
        """Yield the outcomes of the tasks that are not `left`."""
        threads = [
            Thread(target=copy_context().run, args=(self._work,), daemon=True)
            for _ in range(self._jobs)
        ]
        for each in threads:
            each.start()
        working = len(threads)
        try:
            while working:
                answer = self._answers.get()
                if answer is None:
                    working -= 1
                elif isinstance(answer, Outcome):
                    yield answer
                else:
                    follow(*answer)
        finally:
            self._runs.stop.set()
            for each in threads:
                each.join()

    def _work(self) -> None:
        """Execute tasks until none is waiting."""
        try:
            with beside_others(self._runs):
                while not self._runs.stop.is_set() and (task := self._next()) is not None:
                    self._execute(task)
        finally:
            self._answers.put(None)

    def _next(self) -> Task | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _execute(self, task: Task) -> None:
        kind = _kind(task)
        if kind in self._need_python:
            self.left.append((task, self._need_python[kind]))
            return
        try:
            outcome = carry_out(task, self._registry, self._progress(task))
        except PythonNeededError as error:
            self._need_python[kind] = error.seconds
            self.left.append((task, error.seconds))
            return
        except BaseException as error:  # a fault of declnet, which must not affect other runs
            if self._runs.stop.is_set():
                return
            traceback.print_exception(error, file=sys.stderr)
            outcome = task.outcome(error=error_summary(error))
        self._answers.put(outcome)

    def _progress(self, task: Task) -> Progress:
        return at_intervals(lambda share: self._answers.put((task, share)))


def _kind(task: Task) -> tuple[int, ...]:
    """Return what runs that differ only in seed and fold have in common, while they are alive."""
    spec = task.spec
    return id(spec.model), id(spec.training), id(spec.optimizer)
