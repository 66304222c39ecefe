"""Runs on executors: tasks as text, their execution, and their answers.

A run is written to its folder where that is on a file system which the other machine shares, so
that a run which is lost with its machine is resumed. Elsewhere it is written to a temporary folder,
whose files come back with the answer.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import socket
import time
from collections import ChainMap
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import declnet
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.execution.kernel import Kernel
from declnet.contracts.returned import BrokenContractError
from declnet.contracts.runs.executor import Executor, TaskUpdate
from declnet.contracts.runs.returned import checked_update
from declnet.data.sharing import SharedData, sharing_data
from declnet.errors import DeclnetError, OutputError, RunError
from declnet.registry.discovery import default_registry, discover
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry
from declnet.runs.many import judging
from declnet.runs.many.judging import Judged, Report, reporting
from declnet.runs.many.tasks import Outcome, Task, carry_out
from declnet.runs.many.workers import Follow
from declnet.runs.storage.folder import locked
from declnet.runs.storage.origins import components_in, warn
from declnet.runs.storage.writing import (
    make_folder,
    remove_temporary,
    sync_folder,
    write_atomically,
)
from declnet.spec.model import RunSpec, resolved_document
from declnet.spec.validate import parse_spec

PATIENCE = 60.0
"""Seconds to wait for a folder that another process, which is about to end, is still writing to."""


def on_executor(
    tasks: Iterable[Task],
    executor: Executor,
    parent: Path,
    registry: Registry,
    disabled: Sequence[str],
    follow: Follow,
) -> Generator[Outcome, None, None]:
    """Execute tasks on an executor; yield outcomes in order of completion.

    The training goes on while a task's `stop_when` is asked, so it may end some epochs later, or
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
    updates, looked = executor.execute(texts), -math.inf
    with ExitStack() as stack:
        stack.callback(getattr(updates, "close", lambda: None))
        for given in updates:
            update = checked_update(executor, given, waiting)
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
            if time.monotonic() >= looked + judging.SECONDS_BETWEEN_LOOKS:
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
    try:
        make_folder(parent)
        remove_temporary(parent)
        marker.touch()
    except OSError as error:
        raise RunError(f"{parent}: cannot be written: {error.strerror}") from None
    try:
        yield marker
    finally:
        marker.unlink(missing_ok=True)


def task_text(
    task: Task,
    marker: Path,
    registry: Registry,
    disabled: Sequence[str],
    stop_file: Path | None = None,
) -> str:
    """Return a task as JSON, for `execute_task`.

    Args:
        task: the task.
        marker: a file that exists where the task's folder is on the same file system.
        registry: where its components are looked up.
        disabled: plugins to disable.
        stop_file: the file that stops the run early; None if nothing does.
    """
    content = {
        "spec": resolved_document(task.spec),
        "folder": str(task.directory.absolute()),
        "marker": str(marker),
        "allow_changes": task.allow_changes,
        "disabled": list(disabled),
        "versions": _versions(task.spec, registry),
        "host": socket.gethostname(),
        "stop_file": str(stop_file) if stop_file is not None else None,
    }
    return json.dumps(content)


def _versions(spec: RunSpec, registry: Registry) -> dict[str, str]:
    """Return the versions of what computes a run: also of its components' packages, by name."""
    plugins = map(registry.plugin_of, map(type, components_in(spec)))
    used = {each.distribution: each.version for each in plugins if each is not None}
    return {**used, **_own_versions(registry)}


@lru_cache(maxsize=1)
def _own_versions(registry: Registry) -> dict[str, str]:
    """Return the versions of declnet, NumPy, and what compiles the kernels that can be used."""
    kernels = (each.component for each in registry.entries(Kernel.kind))
    compilers = (
        each.versions() for each in kernels if each.compiled and each.unavailable() is None
    )
    return {FIRST_PARTY: declnet.__version__, "numpy": np.__version__, **ChainMap(*compilers)}


def execute_task(
    task: str,
    progress: Callable[[float], None] | None = None,
    report: Report | None = None,
) -> bytes:
    """Carry out a task that an `Executor` was given, and return its answer.

    A run that fails for a reason that declnet can explain is an answer, too. It uses as
    many threads as the variable `OMP_NUM_THREADS` says: where several run at once, set it to 1.

    Args:
        task: the task's text.
        progress: called with the completed fraction of the run, from 0 to 1, often.
        report: called with text for `TaskUpdate.report` up to three times a second, in order, while
            the training waits; returns text that `TaskUpdate.stop` was called with for this task,
            as soon as it is known, else None.
    """
    content = json.loads(task)
    folder, host = Path(content["folder"]), socket.gethostname()
    with TemporaryDirectory(prefix="declnet-") as temporary:
        is_shared = Path(content["marker"]).exists()
        directory = folder if is_shared else Path(temporary, folder.name)
        files: dict[str, bytes] | None = None
        try:
            outcome = _carry_out(content, directory, progress or (lambda _: None), report)
            names = ("metrics", "seconds", "error", "stopped")
            found = {each: getattr(outcome, each) for each in names}
        except DeclnetError as error:
            found = {"error": str(error)}
        if not is_shared:
            files = {
                each.relative_to(directory).as_posix(): each.read_bytes()
                for each in sorted(directory.rglob("*"))
                if each.is_file()
            }
        if found["error"] is not None and host != content["host"]:
            found["error"] = f"on {host}: {found['error']}"
        is_deaf = bool(content.get("stop_file")) and not is_shared and report is None
        return _packed(found, files, is_deaf=is_deaf)


def _carry_out(
    content: dict[str, Any],
    directory: Path,
    progress: Callable[[float], None],
    report: Report | None,
) -> Outcome:
    disabled = content["disabled"]
    registry = discover(disabled) if disabled else default_registry()
    _require_versions(content, registry)
    spec = parse_spec(content["spec"], registry)
    _wait_until_free(directory)
    # an executor that lost this task has begun it before
    file = content.get("stop_file")
    stop_when = reporting(Path(file), report) if file else None
    task = Task(spec, directory, True, content["allow_changes"], stop_when)
    with sharing_data(_loaded_for(content["marker"])):
        return carry_out(task, registry, progress)


@lru_cache(maxsize=1)
def _loaded_for(_marker: str) -> SharedData:
    """Return the data that this process has loaded for tasks of the same command."""
    return SharedData()


def _require_versions(content: dict[str, Any], registry: Registry) -> None:
    """Raise RunError if a run would be computed by other versions here than where it was begun."""
    own = {**registry.versions(), **_own_versions(registry)}
    for name, version in content["versions"].items():
        found = own.get(normalized(name), own.get(name))
        if found != version and not content["allow_changes"]:
            has = f"has {name} {found}" if found is not None else f"does not have {name}"
            message = f"this machine {has}, and {content['host']} {version}"
            raise RunError(f"{message}; install the same versions on both")


def _wait_until_free(directory: Path) -> None:
    """Wait while another process writes to a run: one that has lost its executor ends soon."""
    end = time.monotonic() + PATIENCE
    while directory.exists():
        try:
            with locked(directory):
                return
        except OutputError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _packed(
    outcome: dict[str, Any], files: dict[str, bytes] | None, *, is_deaf: bool = False
) -> bytes:
    """Return an answer: a line of JSON, and then the content of the files one after another."""
    sizes = {name: len(each) for name, each in files.items()} if files is not None else None
    head = json.dumps({"outcome": outcome, "files": sizes, "deaf": is_deaf}).encode()
    return b"\n".join([head, b"".join((files or {}).values())])


def _received(answer: bytes, task: Task, executor: Executor) -> Outcome:
    """Return the outcome in an answer, once the run's folder is where it belongs."""
    try:
        head, _, rest = answer.partition(b"\n")
        content = json.loads(head)
        outcome, sizes = task.outcome(**content["outcome"]), content["files"]
        if sizes is not None:
            files, start = {}, 0
            for name, size in sizes.items():
                files[name] = rest[start : start + size]
                start += size
            _place(files, task.directory)
    except (ValueError, TypeError, KeyError, AttributeError):
        return task.outcome(error="its answer is not what execute_task returned")
    except OSError as error:
        return task.outcome(error=f"{task.directory}: cannot be written: {error.strerror}")
    if content.get("deaf"):
        message = f'the executor "{executor.type}" passes no reports on, and shares no file system'
        warn(f"no trial is stopped early: {message}")
    return outcome


def _place(files: dict[str, bytes], directory: Path) -> None:
    """Write the files of a run so that its folder has all of them or is as it was."""
    arriving, former = (
        directory.with_name(f".{directory.name}.{state}.{os.getpid()}")
        for state in ("arriving", "former")
    )
    for each in (arriving, former):
        shutil.rmtree(each, ignore_errors=True)
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
