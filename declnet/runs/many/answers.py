"""The answer of an executor to a task, and the files of a run that come with it."""

from __future__ import annotations

import os
import shutil
from glob import escape
from pathlib import Path, PurePosixPath

from declnet.contracts.runs.executor import Executor
from declnet.contracts.runs.plan import Outcome
from declnet.errors import RunError
from declnet.runs.many.run_tasks import RunTask, read_answer
from declnet.runs.notices import warn
from declnet.runs.storage.folder import writing
from declnet.runs.storage.writing import is_temporary, make_folder, sync_folder, write_atomically


def received(answer: bytes, run: RunTask, executor: Executor) -> Outcome:
    """Return the outcome in an answer, once the run's folder is where it belongs."""
    try:
        unpacked = read_answer(answer, run)
        if unpacked.files is not None:
            with writing(run.directory):
                _place(unpacked.files, run.directory)
    except ValueError:
        return run.outcome(error="its answer is not what execute_task returned")
    except RunError as error:
        return run.outcome(error=str(error))
    if unpacked.unstoppable:
        message = f'the executor "{executor.type}" passes no reports on, and shares no file system'
        warn(f"no trial is stopped early: {message}")
    return unpacked.outcome


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
