"""Executors on this machine: in this process, in threads of it, and in worker processes.

`local_executor` chooses by the first run: threads, if an engine makes the steps and waiting for the
interpreter costs less than starting worker processes; worker processes, if all runs together take
longer than a few seconds; else this process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Thread
from types import FrameType
from typing import Any

from declnet.contracts.runs.executor import Executor, ExecutorTask, Progress, TaskUpdate
from declnet.errors import DeclnetError, error_summary
from declnet.runs.many.run_tasks import RunTask, at_intervals, execute_task
from declnet.runs.ready_run import make_ready_run
from declnet.training.concurrency import ConcurrentRuns, running_concurrently, usable_cores
from declnet.training.numerics import one_blas_thread

PROCESSES_WORTHWHILE = 4.0
"""Seconds of all runs together from which on worker processes train them: starting one takes about
a second."""

WORKER_START = 0.7
"""Seconds that worker processes take to start, about."""

ONE_THREAD = {
    "BLIS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
"""Workers already share the processors, so libraries within them need no extra threads."""


def local_executor(first: RunTask, count: float, jobs: int | None) -> tuple[Executor, int]:
    """Return where runs train on this machine, and how many in parallel.

    - One at a time, or a single run: in this process.
    - An engine makes the steps, so that each run needs Python for at most its share of the time: in
      threads, which load what the runs have in common once. They wait for each other a little;
      processes must save more than it takes to start them.
    - All runs together are brief, or a program passed their data: in this process.
    - Otherwise: in worker processes.

    Args:
        first: the first run, which stands for all.
        count: how many there are, if that is known.
        jobs: how many to train at once; None for as many as the cores of this process, divided by
            the threads that each run uses.
    """
    if jobs is None:
        jobs = usable_cores() // (first.spec.engine.threads or 1)
    jobs = max(1, int(min(jobs, count)))
    if jobs == 1:
        return InProcess(), 1
    try:
        with one_blas_thread():
            trainer = make_ready_run(first.spec, first.registry, first.data).trainer
    except DeclnetError:  # which the run reports
        return InProcess(), jobs
    python, native = trainer.estimated_seconds(is_followed=first.stop_when is not None)
    waiting = count * max(0.0, python - (python + native) / jobs)
    if native and waiting <= WORKER_START:
        return Threads(jobs=jobs), jobs
    if first.data is not None or count * (python + native) < PROCESSES_WORTHWHILE:
        return InProcess(), jobs
    return WorkerProcesses(jobs=jobs), jobs


class InProcess(Executor):
    """Trains one run after another, in this thread."""

    type = "in_process"

    def execute(self, tasks: Iterator[ExecutorTask]) -> Generator[TaskUpdate]:
        """See `Executor.execute`; progress is only known between the runs."""
        for number, task in enumerate(tasks):
            yield TaskUpdate(number, answer=task.execute())


Put = Callable[[TaskUpdate], object]


class _Slot:
    """Carries out one task at a time, and puts updates into a queue."""

    @abstractmethod
    def begin(self, number: int, task: ExecutorTask) -> None:
        """Carry out a task."""

    @abstractmethod
    def stop(self) -> None:
        """Interrupt the task, without waiting."""

    @abstractmethod
    def close(self) -> None:
        """Wait until the last task has ended."""


class _Slots(Executor):
    """Executes several tasks concurrently, each in its own slot.

    Attributes:
        jobs: how many.
    """

    jobs: int

    def execute(self, tasks: Iterator[ExecutorTask]) -> Generator[TaskUpdate]:
        """See `Executor.execute`."""
        updates: SimpleQueue[TaskUpdate] = SimpleQueue()
        free: list[_Slot] = []
        working: dict[int, _Slot] = {}
        count = 0
        try:
            while True:
                while len(working) < self.jobs and (task := next(tasks, None)) is not None:
                    slot = free.pop() if free else self._slot(updates.put)
                    working[count] = slot
                    slot.begin(count, task)
                    count += 1
                if not working:
                    return
                update = updates.get()
                if update.answer is not None:
                    free.append(working.pop(update.task))
                elif update.failure is not None:
                    working.pop(update.task).close()
                yield update
        finally:
            for slot in working.values():
                slot.stop()
            for slot in (*free, *working.values()):
                slot.close()

    @abstractmethod
    def _slot(self, put: Put) -> _Slot:
        """Return a new slot."""


class Threads(_Slots):
    """Trains runs in threads of this process, with one thread each for their steps."""

    type = "threads"

    def execute(self, tasks: Iterator[ExecutorTask]) -> Generator[TaskUpdate]:
        """See `Executor.execute`."""
        with one_blas_thread():
            yield from super().execute(tasks)

    def _slot(self, put: Put) -> _Slot:
        return _Thread(put)


class _Thread(_Slot):
    def __init__(self, put: Put) -> None:
        self._put, self._runs = put, ConcurrentRuns()
        self._thread: Thread | None = None

    def begin(self, number: int, task: ExecutorTask) -> None:
        self.close()
        target = partial(copy_context().run, self._execute, number, task)
        self._thread = Thread(target=target, daemon=True)
        self._thread.start()

    def _execute(self, number: int, task: ExecutorTask) -> None:
        progress = at_intervals(lambda done: self._put(TaskUpdate(number, done)))
        try:
            with running_concurrently(self._runs):
                self._put(TaskUpdate(number, answer=task.execute(progress)))
        except BaseException as error:  # a fault of declnet, which must not affect other runs
            if not self._runs.stop.is_set():
                traceback.print_exception(error, file=sys.stderr)
                self._put(TaskUpdate(number, failure=error_summary(error)))

    def stop(self) -> None:
        self._runs.stop.set()

    def close(self) -> None:
        if self._thread is not None:
            self._thread.join()


class WorkerProcesses(_Slots):
    """Trains runs in worker processes with one thread each."""

    type = "worker_processes"

    def _slot(self, put: Put) -> _Slot:
        return _Worker(put)


class _Worker(_Slot):
    """A worker process, and the thread that reads its answers."""

    def __init__(self, put: Put) -> None:
        self._put, self._number, self._ended = put, -1, True
        self._process = subprocess.Popen(  # a constant command
            [sys.executable, "-P", "-m", "declnet.runs.many.local_executors"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            text=True,
            encoding="utf-8",
            process_group=0,  # Ctrl-C reaches this process alone, which then stops the workers
        )
        assert self._process.stdin is not None  # noqa: S101  # it was asked for
        self._input = self._process.stdin
        Thread(target=self._read, daemon=True).start()

    def begin(self, number: int, task: ExecutorTask) -> None:
        self._number, self._ended = number, False
        self._send({"task": task.text})

    def stop(self) -> None:
        self._process.terminate()

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._input.close()
        self._process.wait()

    def _send(self, message: dict[str, str]) -> None:
        with suppress(BrokenPipeError, ValueError):  # it died or was closed
            self._input.write(json.dumps(message) + "\n")
            self._input.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        with self._process.stdout as lines:
            for line in lines:
                message = json.loads(line)
                if "answer" in message:
                    message["answer"] = message["answer"].encode()
                    self._ended = True
                if "report" in message:
                    message["stop"] = self._stop_task
                self._put(TaskUpdate(self._number, **message))
        if not self._ended:
            code = self._process.wait()
            failure = f"its worker process ended with exit status {code}"
            self._put(TaskUpdate(self._number, failure=failure))

    def _stop_task(self, reason: str) -> None:
        self._send({"stop": reason})


def work() -> int:
    """Execute the tasks received on standard input, one JSON line each, until it ends.

    The messages on standard output are a JSON line for each `TaskUpdate`. Output printed by plugins
    goes to standard error instead.

    Returns:
        The exit code, 130 if asked to stop.
    """
    is_interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        if not is_interrupted:  # the end of standard input must not interrupt what the run writes
            is_interrupted = True
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    output = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    tasks: SimpleQueue[str | None] = SimpleQueue()
    stops: list[str] = []

    def send(**message: Any) -> None:
        try:
            output.write(json.dumps(message) + "\n")
            output.flush()
        except BrokenPipeError:  # the parent process is gone
            raise KeyboardInterrupt from None

    def report(text: str) -> str | None:
        send(report=text)
        return stops[-1] if stops else None

    def receive() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "task" in message:
                tasks.put(message["task"])
            else:
                stops.append(message["stop"])
        tasks.put(None)
        if is_working:  # the parent process is gone
            os.kill(os.getpid(), signal.SIGTERM)

    is_working: Sequence[bool] = []
    Thread(target=receive, daemon=True).start()
    try:
        while (task := tasks.get()) is not None:
            stops.clear()
            is_working = [True]
            progress: Progress = at_intervals(lambda done: send(done=done))
            answer = execute_task(task, progress, report)
            is_working = []
            send(answer=answer.decode())
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing is left to interrupt
    return 0


if __name__ == "__main__":
    sys.exit(work())
