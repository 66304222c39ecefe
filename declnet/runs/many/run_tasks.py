"""A run as a task: carried out in this process or, as text, in any other, and its answer as bytes.

A run is written to its folder where that is on a file system which the other machine shares, so
that a run which is lost with its machine is resumed. Elsewhere it is written to a temporary folder,
whose files come back with the answer.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from glob import escape
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

import declnet
from declnet.caching import ResultCache, sharing_results
from declnet.contracts.component import components_in
from declnet.contracts.execution.kernel import Kernel
from declnet.contracts.returned import verify, why_unavailable
from declnet.contracts.runs.callback import EpochFinished
from declnet.contracts.runs.executor import Executor, ExecutorTask, Progress
from declnet.contracts.runs.plan import Outcome, Task
from declnet.data.splits import Data
from declnet.errors import DeclnetError, OutputError, RunError
from declnet.registry.discovery import default_registry, discover
from declnet.registry.plugin import FIRST_PARTY, normalized
from declnet.registry.registry import Registry
from declnet.runs.many.early_stops import RemoteRun, Report, reporting
from declnet.runs.notices import warn
from declnet.runs.options import Listener, RunOptions, StopWhen
from declnet.runs.resuming import has_begun, resume_run
from declnet.runs.signals import DeadlineReached, interrupted_at
from declnet.runs.storage.folder import CHECKPOINTS, HISTORY, MANIFEST, SPEC, locked, writing
from declnet.runs.storage.writing import (
    is_temporary,
    make_folder,
    sync_folder,
    write_atomically,
)
from declnet.runs.train_run import train_run
from declnet.spec.model import RunSpec, resolved_document, resolved_toml
from declnet.spec.validate import parse_spec
from declnet.training.checks.check import Checked
from declnet.training.trainer import Event

HEARTBEAT = 0.2
"""Minimum seconds between two calls of a `Progress` from elsewhere."""

PATIENCE = 60.0
"""Seconds to wait for a folder that another process, which is about to end, is still writing to."""


class Answer(NamedTuple):
    """What came of a task.

    Attributes:
        outcome: the fields of an `Outcome` that its run decides on.
        files: the files of the run by their paths in its folder; None if they are there already.
        unstoppable: whether the run could not be stopped early, as it should have been.
    """

    outcome: dict[str, Any]
    files: dict[str, bytes] | None = None
    unstoppable: bool = False

    def packed(self) -> bytes:
        """Return a line of JSON, and then the content of the files one after another."""
        files = self.files
        sizes = {name: len(file) for name, file in files.items()} if files is not None else None
        head = {"outcome": self.outcome, "files": sizes, "unstoppable": self.unstoppable}
        return b"\n".join([json.dumps(head).encode(), b"".join((files or {}).values())])

    @classmethod
    def unpacked(cls, content: bytes) -> Answer:
        """Return the answer that `packed` returned as bytes.

        Raises:
            ValueError: it did not.
        """
        head, _, rest = content.partition(b"\n")
        try:
            fields = json.loads(head)
            outcome, sizes = dict(fields["outcome"]), fields["files"]
            unstoppable = bool(fields.get("unstoppable"))
            files: dict[str, bytes] = {}
            start = 0
            for name, size in (sizes or {}).items():
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise ValueError(name)
                files[name] = rest[start : start + size]
                start += size
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(str(error)) from None
        return cls(outcome, files if sizes is not None else None, unstoppable)


def place_files(files: dict[str, bytes], directory: Path) -> None:
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
        path = arriving / name
        make_folder(path.parent)
        write_atomically(path, content)
    if directory.exists():  # what an earlier process left of the run
        directory.rename(former)
    arriving.rename(directory)
    sync_folder(directory.parent)
    shutil.rmtree(former, ignore_errors=True)


@dataclass(eq=False)
class RunTask(ExecutorTask):
    """A run of a group that is left to train.

    Attributes:
        task: what the plan asked for.
        spec: its spec.
        directory: its folder, which may hold what an earlier process did of it.
        marker: a file that another process can see only if it has the same file system.
        registry: where components are looked up.
        disabled: plugins that other processes disable.
        allow_changes: as for `resume`.
        stop_when: as for `run`; called in this process.
        data: data sets by name, used instead of the spec's; only in this process.
        deadline: when the run is interrupted, as `time.time` counts seconds.
        continues: the folder of the run that it prolongs.
        checked: the result of checking this spec, or one with another seed, in this process.
        remote: what stops the run early in another process, once that may have its text.
        follow: called with this and its completed fraction, in the thread that trains it.
        listener: called with each event of the training, if that is in this process.
    """

    task: Task
    spec: RunSpec
    directory: Path
    marker: Path
    registry: Registry
    disabled: Sequence[str] = ()
    allow_changes: bool = False
    stop_when: StopWhen | None = None
    data: Mapping[str, Data] | None = None
    deadline: float = math.inf
    continues: Path | None = None
    follow: Callable[[RunTask, float], object] = lambda _run, _done: None
    listener: Listener | None = None
    checked: Checked | None = None
    remote: RemoteRun | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """The task as JSON, for `execute_task`."""
        if self.stop_when is not None and self.remote is None:
            self.remote = RemoteRun(self.directory, self.stop_when, self.marker.parent)
        content = {
            "spec": resolved_document(self.spec),
            "folder": str(self.directory.absolute()),
            "marker": str(self.marker),
            "allow_changes": self.allow_changes,
            "disabled": list(self.disabled),
            "versions": _versions(self.spec, self.registry),
            "host": socket.gethostname(),
            "stop_file": str(self.remote.stop_file) if self.remote is not None else None,
            "deadline": self.deadline if self.deadline < math.inf else None,
            "continues": str(self.continues.absolute()) if self.continues is not None else None,
        }
        return json.dumps(content)

    def execute(self, progress: Progress | None = None) -> bytes:
        """See `ExecutorTask.execute`."""
        follow = progress or partial(self.follow, self)
        return Answer(self._carry_out(self.directory, follow)).packed()

    def _carry_out(self, directory: Path, progress: Progress) -> dict[str, Any]:
        """Train the run in a folder; an explained failure and the deadline are answers, too."""
        epochs = self.spec.training.most_epochs or 1

        def listener(event: Event) -> None:
            nonlocal epochs
            if isinstance(event, EpochFinished):
                done: float = event.epoch + 1
            else:
                done, epochs = event.epochs_done, event.epochs
            progress(done / epochs)
            if self.listener is not None:
                self.listener(event)

        options = RunOptions(
            follow=lambda _spec: nullcontext(listener),
            stop_when=self.stop_when,
            registry=self.registry,
            checked=self.checked,
            allow_changes=self.allow_changes,
            has_card=False,
        )
        try:
            if self.continues is not None:
                copy_checkpoints(self.continues, directory, self.spec)
                options = replace(options, allow_changes=True)
            with interrupted_at(self.deadline):
                if has_begun(directory):
                    result = resume_run(directory, self.data, options)
                else:
                    result = train_run(self.spec, self.data, directory, options)
        except DeadlineReached:
            return {"interrupted": True}
        except DeclnetError as error:
            return {"error": str(error)}
        seconds = round(result.seconds, 3)
        return {"metrics": result.metrics, "seconds": seconds, "stopped": result.stopped}

    def outcome(self, **fields: Any) -> Outcome:
        """Return the outcome of the run."""
        spec = self.spec
        return Outcome(spec.name, spec.seed, self.directory, fold=spec.data.fold, **fields)

    def received(self, content: bytes, executor: Executor) -> Outcome:
        """Return the outcome in an answer, once the run's folder is where it belongs."""
        try:
            answer = Answer.unpacked(content)
            outcome = self.outcome(**answer.outcome)
        except (ValueError, TypeError):
            return self.outcome(error="its answer is not what execute_task returned")
        if answer.files is not None:
            try:
                with writing(self.directory):
                    place_files(answer.files, self.directory)
            except RunError as error:
                return self.outcome(error=str(error))
        if answer.unstoppable:
            lack = f'the executor "{executor.type}" passes no reports on, and shares no file system'
            warn(f"no trial is stopped early: {lack}")
        return outcome


def copy_checkpoints(run: Path, directory: Path, spec: RunSpec) -> None:
    """Make a folder from which a run resumes the training of a finished run.

    Raises:
        RunError: the run kept no checkpoint, or the folder cannot be written.
    """
    if not (run / CHECKPOINTS).is_dir():
        hint = "its spec needs a callback that writes checkpoints"
        raise RunError(f"{run}: has no checkpoints to continue from; {hint}")
    if not (directory / MANIFEST).exists():
        with writing(directory):
            shutil.copytree(run / CHECKPOINTS, directory / CHECKPOINTS, dirs_exist_ok=True)
            shutil.copyfile(run / HISTORY, directory / HISTORY)
            write_atomically(directory / SPEC, resolved_toml(spec).encode())
            content = json.loads((run / MANIFEST).read_bytes())
            changes = {"status": "interrupted", "name": spec.name, "seed": spec.seed}
            write_atomically(directory / MANIFEST, json.dumps(content | changes).encode())


def _versions(spec: RunSpec, registry: Registry) -> dict[str, str]:
    """Return the versions of the packages that compute a run, by name."""
    plugins = (registry.plugin_of(type(component)) for _, component in components_in(spec))
    used = {plugin.distribution: plugin.version for plugin in plugins if plugin is not None}
    return {**used, **_own_versions(registry)}


@lru_cache(maxsize=1)
def _own_versions(registry: Registry) -> dict[str, str]:
    """Return the versions of declnet, NumPy, and what compiles the kernels that can be used."""
    kernels = (entry.component for entry in registry.entries(Kernel.kind))
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
    if "prediction" in content:
        from declnet.runs.inference.file_tasks import predict_file_there

        return predict_file_there(content["prediction"])
    folder, host = Path(content["folder"]), socket.gethostname()
    with TemporaryDirectory(prefix="declnet-") as temporary:
        is_shared = Path(content["marker"]).exists()
        directory = folder if is_shared else Path(temporary, folder.name)
        files: dict[str, bytes] | None = None
        try:
            outcome = _carry_out_there(content, directory, progress or (lambda _: None), report)
        except DeclnetError as error:
            outcome = {"error": str(error)}
        if not is_shared:
            files = {
                path.relative_to(directory).as_posix(): path.read_bytes()
                for path in sorted(directory.rglob("*"))
                if path.is_file()
            }
        if outcome.get("error") is not None and host != content["host"]:
            outcome["error"] = f"on {host}: {outcome['error']}"
        unstoppable = bool(content.get("stop_file")) and not is_shared and report is None
        return Answer(outcome, files, unstoppable).packed()


def _rehearsed(reports: Sequence[str], pause: float, report: Report | None) -> bytes:
    """Report as a run does until it must stop, for the conformance kit.

    Args:
        reports: what is reported, one after another.
        pause: the seconds after each.
        report: as for `execute_task`.
    """
    reason: str | None = None
    for text in reports if report is not None else ():
        reason = report(text) if report is not None else None
        if reason is not None:
            break
        time.sleep(pause)
    return Answer({"stopped": reason}).packed()


def _carry_out_there(
    content: dict[str, Any],
    directory: Path,
    progress: Progress,
    report: Report | None,
) -> dict[str, Any]:
    registry = _registry(tuple(content["disabled"]))
    _require_versions(content, registry)
    spec = parse_spec(content["spec"], registry)
    _wait_until_free(directory)
    file, deadline = content.get("stop_file"), content.get("deadline")
    continues = content.get("continues")
    task = RunTask(
        Task(""),
        spec,
        directory,
        Path(content["marker"]),
        registry,
        allow_changes=content["allow_changes"],
        stop_when=reporting(Path(file), report) if file else None,
        deadline=math.inf if deadline is None else float(deadline),
        continues=Path(continues) if continues else None,
    )
    with sharing_results(_loaded_for(content["marker"])):
        return task._carry_out(directory, progress)


def at_intervals(report: Progress) -> Progress:
    """Return a function that reports the progress of a run, at most once in `HEARTBEAT` seconds."""
    last = 0.0

    def progress(share: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last > HEARTBEAT:
            last = now
            report(share)

    return progress


@lru_cache(maxsize=1)
def _registry(disabled: tuple[str, ...]) -> Registry:
    return discover(disabled) if disabled else default_registry()


@lru_cache(maxsize=1)
def _loaded_for(_marker: str) -> ResultCache:
    """Return the data that this process has loaded for tasks of the same command."""
    return ResultCache()


def _require_versions(content: dict[str, Any], registry: Registry) -> None:
    """Raise RunError if a run would be computed by other versions here than where it was begun."""
    here = {**registry.versions(), **_own_versions(registry)}
    for name, version in content["versions"].items():
        current = here.get(normalized(name), here.get(name))
        if current != version and not content["allow_changes"]:
            has = f"has {name} {current}" if current is not None else f"does not have {name}"
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
