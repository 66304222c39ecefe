"""Giving tasks to an executor, and taking its updates: reports, early stops and answers."""

from __future__ import annotations

import math
import os
import secrets
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from glob import escape
from itertools import chain
from pathlib import Path, PurePosixPath

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.returned import BrokenContractError
from declnet.contracts.runs.executor import Executor, TaskUpdate, updates_of
from declnet.errors import RunError
from declnet.registry.registry import Registry
from declnet.runs.many.execution import early_stops
from declnet.runs.many.execution.early_stops import Judged
from declnet.runs.many.execution.remote_tasks import read_answer, task_text
from declnet.runs.many.execution.tasks import Follow, Outcome, Task
from declnet.runs.storage.folder import writing
from declnet.runs.storage.origins import warn
from declnet.runs.storage.writing import (
    is_temporary,
    make_folder,
    remove_temporary,
    sync_folder,
    write_atomically,
)


def on_executor(
    tasks: Iterable[Task],
    executor: Executor,
    parent: Path,
    registry: Registry,
    disabled: Sequence[str],
    follow: Follow,
) -> Generator[Outcome, None, None]:
    """Execute tasks on an executor; yield outcomes in order of completion.

    Training continues while a task's `stop_when` is asked, so it may end some epochs later, or
    not before its last one.

    Args:
        tasks: the tasks, each taken when the executor has room for it.
        executor: the executor.
        parent: the folder that holds the folders of all tasks.
        registry: where components are looked up.
        disabled: plugins to disable.
        follow: called with a task and its completed fraction when the executor says so.

    Raises:
        ComponentError: the executor broke its contract.
        RunError: it cannot carry out tasks any longer.
    """
    left = iter(tasks)
    with _marked(parent) as marker, attributing_errors(registry):
        # an iterator that makes tasks from outcomes may have more once others have ended
        while (first := next(left, None)) is not None:
            waiting: dict[int, _Waiting] = {}
            texts = _texts(chain([first], left), waiting, marker, registry, disabled)
            yield from _outcomes(executor, texts, waiting, follow)


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A task that an executor has, and what judges its run, if anything does."""

    task: Task
    judged: Judged | None


def _texts(
    tasks: Iterator[Task],
    waiting: dict[int, _Waiting],
    marker: Path,
    registry: Registry,
    disabled: Sequence[str],
) -> Iterator[str]:
    for number, task in enumerate(tasks):
        judged = Judged(task, marker.parent) if task.stop_when is not None else None
        waiting[number] = _Waiting(task, judged)
        stop_file = judged.stop_file if judged is not None else None
        yield task_text(task, marker, registry, disabled, stop_file)


def _outcomes(
    executor: Executor, texts: Iterator[str], waiting: dict[int, _Waiting], follow: Follow
) -> Iterator[Outcome]:
    """Yield the outcome of each task that the executor takes, and of the first in any case."""
    looked = -math.inf
    with closing(updates_of(executor, texts, waiting)) as updates:
        for update in updates:
            if update.report is not None:
                _hear(executor, update, waiting[update.task].judged)
            elif update.answer is not None or update.failure is not None:
                ended = waiting.pop(update.task)
                outcome = ended.task.outcome(error=update.failure)
                if update.answer is not None:
                    outcome = _received(update.answer, ended.task, executor)
                if ended.judged is not None:
                    ended.judged.end()
                yield outcome
            else:
                follow(waiting[update.task].task, update.done)
            if time.monotonic() >= looked + early_stops.SECONDS_BETWEEN_LOOKS:
                for each in waiting.values():
                    if each.judged is not None:
                        each.judged.look()
                looked = time.monotonic()
    if not waiting:
        next(texts, None)  # if it has taken none at all
    for each in waiting.values():
        yield each.task.outcome(error=f'the executor "{executor.type}" ended without its answer')


def _hear(executor: Executor, update: TaskUpdate, judged: Judged | None) -> None:
    try:
        if judged is not None:
            judged.hear(update.report or "", update.stop)
    except (ValueError, TypeError, KeyError):
        fault = f"has a report of task {update.task} that is not from execute_task"
        raise BrokenContractError(executor, "execute", fault) from None


@contextmanager
def _marked(parent: Path) -> Iterator[Path]:
    """Yield a file that a machine can see only if it has the same file system."""
    # named as temporary files are
    marker = parent.absolute() / f".executor.shared.{secrets.randbits(64)}"
    with writing(parent):
        make_folder(parent)
        remove_temporary(parent)
        marker.touch()
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)


def _received(answer: bytes, task: Task, executor: Executor) -> Outcome:
    """Return the outcome in an answer, once the run's folder is where it belongs."""
    try:
        found = read_answer(answer, task)
        if found.files is not None:
            with writing(task.directory):
                _place(found.files, task.directory)
    except ValueError:
        return task.outcome(error="its answer is not what execute_task returned")
    except RunError as error:
        return task.outcome(error=str(error))
    if found.is_deaf:
        message = f'the executor "{executor.type}" passes no reports on, and shares no file system'
        warn(f"no trial is stopped early: {message}")
    return found.outcome


def _place(files: dict[str, bytes], directory: Path) -> None:
    """Write the files of a run so that its folder has all of them or is as it was."""
    arriving, former = (
        directory.with_name(f".{directory.name}.{state}.{os.getpid()}")
        for state in ("arriving", "former")
    )
    for left in directory.parent.glob(f".{escape(directory.name)}.*"):
        if is_temporary(left):  # of this process or of a killed one
            shutil.rmtree(left, ignore_errors=True)
    make_folder(arriving)
    for name, content in files.items():
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts:
            raise ValueError(name)
        path = arriving / inside
        make_folder(path.parent)
        write_atomically(path, content)
    if directory.exists():  # what an earlier process left of the run
        directory.rename(former)
    arriving.rename(directory)
    sync_folder(directory.parent)
    shutil.rmtree(former, ignore_errors=True)
