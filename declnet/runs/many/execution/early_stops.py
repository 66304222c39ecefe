"""Stopping runs early that train elsewhere: what they report, and the reason that reaches them.

A run reports its logged epochs by its executor, if that passes messages on. On a shared file system
its history says the same, and a file beside its folder stops it. The run never waits for an answer.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from declnet.contracts.runs.callback import EpochLogged
from declnet.runs.many.execution.tasks import Task
from declnet.runs.session import StopWhen
from declnet.runs.storage.folder import HISTORY, writing
from declnet.runs.storage.writing import read_bytes, write_atomically

Report = Callable[[str], str | None]
"""Called with the epochs that a run has logged, as text; returns why to stop, if that is known."""

SECONDS_BETWEEN_REPORTS = 0.3

SECONDS_BETWEEN_LOOKS = 1.0
"""Between looks at the histories of all runs; a network drive takes its time for each."""


def reporting(stop_file: Path, report: Report | None) -> StopWhen:
    """Return what reports the logged epochs of a run now and then, and hears whether to stop.

    Args:
        stop_file: a file that contains the reason, once there is one.
        report: passes on text to the process that gave out the task; None if nothing does.
    """
    rows: list[dict[str, float | int]] = []
    last = time.monotonic()

    def stop_when(epoch: EpochLogged) -> str | None:
        nonlocal last
        rows.append(epoch.row())
        if time.monotonic() < last + SECONDS_BETWEEN_REPORTS:
            return None
        last = time.monotonic()
        reason = report(json.dumps(rows)) if report is not None else None
        rows.clear()
        if not reason:
            with suppress(OSError):
                reason = stop_file.read_text("utf-8")
        return reason or None

    return stop_when


class Judged:
    """A run that trains elsewhere, in the process that decides when to stop it.

    Args:
        task: the run, with `stop_when`, which is asked once for each logged epoch, in order.
        parent: the folder that holds its folder.

    Attributes:
        stop_file: the file that stops the run where it is seen.
    """

    def __init__(self, task: Task, parent: Path) -> None:
        self._task = task
        self._epoch, self._seen, self._reports = -1, (0, 0), False
        self._reason: str | None = None
        # named as temporary files are
        self.stop_file = parent.absolute() / f".executor.stop.{secrets.randbits(64)}"

    def hear(self, report: str, stop: Callable[[str], object] | None) -> None:
        """Judge what an executor passes on, and have it stop the run.

        Raises:
            ValueError: the report is not from a run.
        """
        rows = json.loads(report)
        if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
            raise ValueError(report)
        self._reports = True
        self._judge(rows)
        if self._reason is not None and stop is not None:
            stop(self._reason)

    def look(self) -> None:
        """Judge what the run's history has, if it is here and nothing reports, and stop the run.

        Raises:
            RunError: the file that stops it cannot be written.
        """
        if self._reports:
            return
        self._judge(self._logged())
        if self._reason is not None and not self.stop_file.exists():
            with writing(self.stop_file):
                write_atomically(self.stop_file, self._reason.encode())

    def _logged(self) -> list[dict[str, Any]]:
        """Return the rows of the history if they have changed."""
        path = self._task.directory / HISTORY
        try:
            status = path.stat()
            if (seen := (status.st_mtime_ns, status.st_size)) == self._seen:
                return []
            content = read_bytes(path)
            rows = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
        except (OSError, ValueError):  # not there, or being written
            return []
        self._seen = seen
        return rows

    def end(self) -> None:
        """Judge the rest of a run that has ended, for the trials after it."""
        self._judge(self._logged())
        self.stop_file.unlink(missing_ok=True)

    def _judge(self, rows: Iterable[Mapping[str, Any]]) -> None:
        stop_when = self._task.stop_when
        assert stop_when is not None  # noqa: S101  # else it is not judged
        for row in rows:
            values = {name: math.nan if each is None else each for name, each in row.items()}
            epoch = int(values.pop("epoch"))
            if epoch > self._epoch:  # one that was lost with its machine logs epochs again
                self._epoch = epoch
                logged = EpochLogged(epoch, values.pop("learning_rate"), values)
                self._reason = stop_when(logged) or self._reason
