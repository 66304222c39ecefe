"""A task as text, carried out in any process, and its answer as bytes.

A run is written to its folder where that is on a file system which the other machine shares, so
that a run which is lost with its machine is resumed. Elsewhere it is written to a temporary folder,
whose files come back with the answer.
"""

from __future__ import annotations

import json
import math
import socket
import time
from collections import ChainMap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import declnet
from declnet.contracts.execution.kernel import Kernel
from declnet.contracts.returned import verify, why_unavailable
from declnet.data.sharing import SharedData, sharing_data
from declnet.errors import DeclnetError, OutputError, RunError
from declnet.registry.discovery import default_registry, discover
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry
from declnet.runs.many.execution.early_stops import Report, reporting
from declnet.runs.many.execution.tasks import Outcome, Progress, Task, carry_out
from declnet.runs.storage.folder import locked
from declnet.runs.storage.origins import components_in
from declnet.spec.model import RunSpec, resolved_document
from declnet.spec.validate import parse_spec

PATIENCE = 60.0
"""Seconds to wait for a folder that another process, which is about to end, is still writing to."""


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
        "deadline": task.deadline if task.deadline < math.inf else None,
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
        verify(Kernel.versions, kernel, kernel.versions())
        for kernel in kernels
        if kernel.compiled and why_unavailable(kernel) is None
    )
    return {FIRST_PARTY: declnet.__version__, "numpy": np.__version__, **ChainMap(*compilers)}


def execute_task(
    task: str,
    progress: Progress | None = None,
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
    if "rehearsal" in content:
        return _rehearsed(**content["rehearsal"], report=report)
    folder, host = Path(content["folder"]), socket.gethostname()
    with TemporaryDirectory(prefix="declnet-") as temporary:
        is_shared = Path(content["marker"]).exists()
        directory = folder if is_shared else Path(temporary, folder.name)
        files: dict[str, bytes] | None = None
        try:
            outcome = _carry_out(content, directory, progress or (lambda _: None), report)
            found = outcome.answer()
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


def _rehearsed(reports: Sequence[str], pause: float, report: Report | None) -> bytes:
    """Report as a run does until it must stop; the conformance kit has no run everywhere.

    Args:
        reports: what is reported, one after another.
        pause: the seconds after each.
        report: as for `execute_task`.
    """
    reason: str | None = None
    for each in reports if report is not None else ():
        reason = report(each) if report is not None else None
        if reason is not None:
            break
        time.sleep(pause)
    return _packed({"stopped": reason}, None)


def _carry_out(
    content: dict[str, Any],
    directory: Path,
    progress: Progress,
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
    deadline = content.get("deadline")
    deadline = math.inf if deadline is None else float(deadline)
    task = Task(spec, directory, True, content["allow_changes"], stop_when, deadline=deadline)
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


@dataclass(frozen=True, eq=False)
class Answer:
    """What `execute_task` returned.

    Attributes:
        outcome: of the task.
        files: the files of the run by their paths in its folder; None if they are there already.
        is_deaf: whether the run could not be stopped early, as it should have been.
    """

    outcome: Outcome
    files: dict[str, bytes] | None
    is_deaf: bool


def read_answer(answer: bytes, task: Task) -> Answer:
    """Return the answer to a task.

    Raises:
        ValueError: it is not from `execute_task`.
    """
    try:
        head, _, rest = answer.partition(b"\n")
        content = json.loads(head)
        outcome, sizes = task.outcome(**content["outcome"]), content["files"]
        files: dict[str, bytes] | None = None
        if sizes is not None:
            files, start = {}, 0
            for name, size in sizes.items():
                files[name] = rest[start : start + size]
                start += size
        return Answer(outcome, files, bool(content.get("deaf")))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from None
