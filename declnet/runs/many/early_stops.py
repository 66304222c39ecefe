"""Early stops of runs in other processes: their reports, and how the reason reaches them.

A run reports its logged epochs by its executor, if that passes messages on. On a shared file system
its history says the same, and a file beside its folder stops it. The run never waits for an answer.

Each logged epoch counts once, whichever way it came. One process with one database connection makes
all decisions, so an executor that passes no messages works too.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from declnet.contracts.runs.callback import EpochLogged
from declnet.errors import OutputError
from declnet.runs.options import StopWhen
from declnet.runs.storage.documents import parse_history
from declnet.runs.storage.folder import HISTORY, writing
from declnet.runs.storage.record import with_nan
from declnet.runs.storage.writing import read_bytes, write_atomically

Report = Callable[[str], str | None]
"""Called with the epochs that a run has logged, as text; returns a reason to stop, or None."""

SECONDS_BETWEEN_REPORTS = 0.3

SECONDS_BETWEEN_POLLS = 1.0
"""Between two readings of the histories of all runs; a network drive takes its time for each."""


def reporting(stop_file: Path, report: Report | None) -> StopWhen:
    """Return a `stop_when` that reports logged epochs and receives the reason to stop.

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


class RemoteRun:
    """A run in another process, seen from the one that decides when to stop it.

    Args:
        directory: the run's folder.
        stop_when: called once for each logged epoch, in order.

    Attributes:
        stop_file: the file that stops the run where it is seen.
    """

    def __init__(self, directory: Path, stop_when: StopWhen, parent: Path) -> None:
        self._history, self._stop_when = directory / HISTORY, stop_when
        self._epoch, self._version, self._reports = -1, (0, 0), False
        self._reason: str | None = None
        # named like a temporary file, so that it is removed after a kill
        self.stop_file = parent.absolute() / f".executor.stop.{secrets.randbits(64)}"

    def receive_report(self, report: str, stop: Callable[[str], object] | None) -> None:
        """Process a report that an executor passes on; stop the run if that is decided.

        Raises:
            ValueError: the report is not from a run.
        """
        rows = json.loads(report)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(report)
        self._reports = True
        self._decide(rows)
        if self._reason is not None and stop is not None:
            stop(self._reason)

    def poll(self) -> None:
        """Read the run's history if no reports arrive; stop the run if that is decided.

        Raises:
            RunError: the file that stops it cannot be written.
        """
        if self._reports:
            return
        self._read_history()
        if self._reason is not None and not self.stop_file.exists():
            with writing(self.stop_file):
                write_atomically(self.stop_file, self._reason.encode())

    def end(self) -> None:
        """Process the last epochs of a run that has ended, for the decisions about others."""
        self._read_history()
        self.stop_file.unlink(missing_ok=True)

    def _read_history(self) -> None:
        with suppress(OSError):
            status = self._history.stat()
            version = status.st_mtime_ns, status.st_size
            if version != self._version:
                self._version = version
                self._decide(logged_rows(self._history))

    def _decide(self, rows: Iterable[Mapping[str, Any]]) -> None:
        for row in rows:
            if int(row["epoch"]) > self._epoch:  # a run lost with its machine logs epochs again
                logged = logged_epoch(row)
                self._epoch = logged.epoch
                self._reason = self._stop_when(logged) or self._reason


def logged_rows(history: Path) -> list[dict[str, Any]]:
    """Return the complete rows of a run's history; none if it is missing or being written."""
    with suppress(OSError, OutputError):
        return parse_history(read_bytes(history), history)
    return []


def logged_epoch(row: Mapping[str, Any]) -> EpochLogged:
    """Return a row of a history as a logged epoch."""
    values = with_nan(row)
    return EpochLogged(int(values.pop("epoch")), values.pop("learning_rate"), values)
