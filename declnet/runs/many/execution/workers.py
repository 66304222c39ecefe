"""Executing tasks in parallel worker processes.

Run as a program, this module is such a worker process.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import FrameType
from typing import Any, TextIO

from declnet.contracts.runs.callback import EpochLogged
from declnet.data.sharing import sharing_data
from declnet.registry.discovery import default_registry, discover
from declnet.runs.many.execution.tasks import (
    Follow,
    Outcome,
    Task,
    at_intervals,
    carry_out,
)
from declnet.spec.model import resolved_document
from declnet.spec.validate import parse_spec

ONE_THREAD = {
    "BLIS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
"""Workers already share the processors, so libraries within them need no extra threads."""


def at_once(
    tasks: Iterable[Task], jobs: int, disabled: Sequence[str], follow: Follow
) -> Generator[Outcome, None, None]:
    """Execute tasks in single-threaded worker processes; yield outcomes in order of completion.

    If this ends early, e.g. by an interruption, the workers are stopped and their runs are recorded
    as interrupted.

    Args:
        tasks: the tasks, in the order in which they are started; each is taken when a worker is
            free, after the outcome before it has been consumed.
        jobs: maximum number of workers.
        disabled: plugins to disable.
        follow: called on each heartbeat.
    """
    waiting = iter(tasks)
    answers: SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = SimpleQueue()
    working: set[_Worker] = set()

    def begin(worker: _Worker | None) -> bool:
        """Give the next task to a worker, or to a new one; dismiss a worker that is not needed."""
        task = next(waiting, None)
        if task is not None:
            worker = worker or _Worker(disabled, answers)
            working.add(worker)
            worker.begin(task)
        elif worker is not None:
            working.discard(worker)
            worker.dismiss()
        return task is not None

    try:
        while len(working) < jobs and begin(None):
            pass
        while working:
            worker, answer = answers.get()
            if worker not in working:
                continue
            if answer is None:
                working.discard(worker)
                yield worker.died()
                begin(None)
            elif "progress" in answer:
                follow(worker.task, answer["progress"])
            elif "epoch" in answer:
                worker.judge(EpochLogged(**answer["epoch"]))
            else:
                yield worker.task.outcome(**answer["outcome"])
                begin(worker)
    finally:
        for worker in working:
            worker.stop()
        for worker in working:
            worker.dismiss()


class _Worker:
    """A worker process, and the thread that reads its answers.

    Attributes:
        task: the task it received last.
    """

    task: Task

    def __init__(
        self,
        disabled: Sequence[str],
        answers: SimpleQueue[tuple[_Worker, dict[str, Any] | None]],
    ) -> None:
        self.process = subprocess.Popen(  # a constant command
            [sys.executable, "-P", "-m", "declnet.runs.many.execution.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            text=True,
            encoding="utf-8",
            process_group=0,  # Ctrl-C reaches this process alone, which then stops the workers
        )
        self._answers = answers
        self._send(list(disabled))
        Thread(target=self._read, daemon=True).start()

    def begin(self, task: Task) -> None:
        self.task = task
        self._send(
            {
                "spec": resolved_document(task.spec),
                "directory": str(task.directory),
                "resumes": task.resumes,
                "allow_changes": task.allow_changes,
                "judged": task.stop_when is not None,
                "deadline": task.deadline if task.deadline < math.inf else None,
            }
        )

    def judge(self, epoch: EpochLogged) -> None:
        """Tell the worker, which waits for it, whether this is the last epoch."""
        assert self.task.stop_when is not None  # noqa: S101  # it was asked for
        self._send(self.task.stop_when(epoch))

    def dismiss(self) -> None:
        """Let the worker finish and wait until it exits."""
        assert self.process.stdin is not None  # noqa: S101  # it was asked for
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()

    def stop(self) -> None:
        """Ask the worker to end immediately; `dismiss` waits until its run is recorded as ended."""
        self.process.terminate()

    def died(self) -> Outcome:
        """Return the outcome of the task the worker had when it exited without an answer."""
        self.dismiss()
        code = self.process.returncode
        return self.task.outcome(error=f"its worker process ended with exit status {code}")

    def _send(self, message: Any) -> None:
        assert self.process.stdin is not None  # noqa: S101  # it was asked for
        with suppress(BrokenPipeError):  # the worker died, which its reader reports
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101  # it was asked for
        with self.process.stdout as lines:
            for line in lines:
                self._answers.put((self, json.loads(line)))
        self._answers.put((self, None))


def work() -> int:
    """Execute the tasks received on standard input, one JSON line each, until it ends.

    The answers on standard output are a JSON line for each heartbeat and each outcome. Output
    printed by plugins goes to standard error instead.

    Returns:
        The exit code, 130 if asked to stop.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    try:
        _answer_tasks(sys.stdin, answers)
    except KeyboardInterrupt:
        return 130
    return 0


def _answer_tasks(tasks: TextIO, answers: TextIO) -> None:
    disabled = json.loads(tasks.readline() or "[]")
    registry = discover(disabled) if disabled else default_registry()

    def report(share: float) -> None:
        _answer(answers, {"progress": share})

    with sharing_data():
        for line in tasks:
            document = json.loads(line)
            spec = parse_spec(document["spec"], registry)
            directory = Path(document["directory"])
            judged = partial(_judged, tasks, answers) if document["judged"] else None
            task = Task(
                spec,
                directory,
                document["resumes"],
                document["allow_changes"],
                judged,
                deadline=math.inf if document["deadline"] is None else document["deadline"],
            )
            outcome = carry_out(task, registry, at_intervals(report))
            _answer(answers, {"outcome": outcome.answer()})


def _judged(tasks: TextIO, answers: TextIO, epoch: EpochLogged) -> str | None:
    """Ask whether an epoch is the last one, and wait for the answer."""
    _answer(answers, {"epoch": asdict(epoch)})
    line = tasks.readline()
    if not line:  # the parent process is gone
        raise KeyboardInterrupt
    reason: str | None = json.loads(line)
    return reason


def _answer(answers: TextIO, message: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(message) + "\n")
        answers.flush()
    except BrokenPipeError:  # the parent process is gone
        raise KeyboardInterrupt from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(work())
