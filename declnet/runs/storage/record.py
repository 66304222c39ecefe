"""Recording a run in its folder as it happens.

A run among many that takes less than 0.2 s, without callbacks, writes its folder once, when it
ends: the files are written, synced and renamed, then the manifest. Killed before that, it starts
over.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from safetensors.numpy import save

from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.stored_preparation import stored
from declnet.errors import RunError, error_summary
from declnet.graph.model import Model
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import Checkpoint, Checkpoints
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.documents import (
    HISTORY_ROW,
    MANIFEST_FILE,
    METRICS_FILE,
    Manifest,
    Resumption,
)
from declnet.runs.storage.manifest import now
from declnet.runs.storage.readme import README, Card
from declnet.runs.storage.writing import (
    json_line,
    open_file,
    remove_temporary,
    write_atomically,
    write_together,
)


class HistoryFile:
    """The history file of a running run, with its length and hash."""

    def __init__(self, path: Path) -> None:
        self._path, self._bytes, self._hash = path, 0, hashlib.sha256()
        self._unwritten: list[bytes] = []

    def append(self, row: dict[str, Any]) -> None:
        """Append a line, which `write` writes."""
        line = json_line(row)
        self._unwritten.append(line)
        self._bytes += len(line)
        self._hash.update(line)

    def take_lines(self) -> bytes:
        """Return the lines that were appended, for the caller to write."""
        lines, self._unwritten = b"".join(self._unwritten), []
        return lines

    def write(self) -> None:
        """Write the lines that were appended; raise OSError if they cannot be written."""
        lines = self.take_lines()
        if lines:
            with open_file(self._path, "ab") as file:  # buffered: other writes may be short ones
                file.write(lines)

    def state(self) -> dict[str, Any]:
        """Sync the file to disk and return its length and hash; raise OSError on failure."""
        self.write()
        if self._bytes:
            with open_file(self._path, "rb") as file:
                os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}

    def remove(self) -> None:
        """Remove what an earlier process left; raise OSError if that fails."""
        self._path.unlink(missing_ok=True)

    def begins_as(self, state: dict[str, Any]) -> bool:
        """Return whether the file still begins with the content described by `state`."""
        return bool(hashlib.sha256(self._read(state["bytes"])).hexdigest() == state["sha256"])

    def cut(self, length: int) -> list[dict[str, Any]]:
        """Truncate to a length in bytes and return the remaining rows; raise OSError on failure."""
        content = self._read(length)
        if self._path.is_file() and self._path.stat().st_size > length:
            write_atomically(self._path, content)
        self._bytes, self._hash = len(content), hashlib.sha256(content)
        return [with_nan(HISTORY_ROW.parse(line)) for line in content.splitlines()]

    def _read(self, length: int) -> bytes:
        if not length or not self._path.is_file():
            return b""
        with open_file(self._path, "rb") as file:
            return file.read(length)


def with_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as logged, with NaN in place of JSON null."""
    return {name: math.nan if value is None else value for name, value in row.items()}


BRIEF = 0.2
"""Seconds that a run may take if it is written only once it has ended."""


class Record:
    """The folder of a running run, locked by this process.

    Attributes:
        directory: the folder, already claimed.
        history: the logged epochs.
        checkpoints: the checkpoints the run can be resumed from.
    """

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self.directory, self._manifest = directory, manifest
        self.history = HistoryFile(directory / folder.HISTORY)
        self.checkpoints = Checkpoints(directory)
        self._checksums = {folder.SPEC: manifest.spec}
        self._unwritten: dict[str, bytes] = {}
        self._due = 0.0

    @classmethod
    def begun(
        cls,
        directory: Path,
        spec_toml: str,
        preparation: FittedPreparation,
        manifest: Manifest,
        *,
        may_wait: bool = False,
    ) -> Self:
        """Write everything known before the first step; raise RunError on failure.

        The spec is written first, so that a run killed in between can be restarted.

        Args:
            may_wait: whether to do so only once the run has taken `BRIEF` seconds. A run that ends
                before, or is killed, has then left no trace until its end.
        """
        record = cls(directory, manifest)
        record._unwritten = {folder.SPEC: spec_toml.encode(), **_files_of(preparation)}
        record._due = time.perf_counter() + BRIEF
        if not may_wait:
            record._begin()
        return record

    def _begin(self) -> None:
        """Write what is known before the first step, and the epochs since, unless it was done."""
        if self._unwritten:
            with folder.writing(self.directory):
                remove_temporary(self.directory)
                self.history.remove()
                self._write_first()
                self._write_manifest()
                self.history.write()

    def keep_up(self) -> None:
        """Write what was deferred, once it is due; raise RunError if that fails."""
        if self._unwritten and time.perf_counter() > self._due:
            self._begin()

    def resumed(self, epoch: int, step: int, changes: list[str]) -> None:
        """Add to the manifest where another process resumes, and what has changed since."""
        resumption = Resumption(now(), epoch, step, tuple(changes))
        self._manifest = replace(self._manifest, resumed=(*self._manifest.resumed, resumption))

    def rewind(
        self, checkpoint: Checkpoint | None, length: int, preparation: FittedPreparation
    ) -> list[dict[str, Any]]:
        """Discard all after a checkpoint (None: all), and all but `length` bytes of the history.

        The preparation is written again, since the file may have been lost or damaged.

        Returns:
            The remaining rows of the history.

        Raises:
            RunError: a file cannot be written.
        """
        with folder.writing(self.directory):
            remove_temporary(self.directory)
            self.checkpoints.rewind(checkpoint)
            rows = self.history.cut(length)
            self._write(_files_of(preparation))
            for name in (folder.CALIBRATION, folder.HELD_OUT):  # left by a kill at the end
                (self.directory / name).unlink(missing_ok=True)
            self._write_manifest()
        return rows

    def epoch(self, row: dict[str, Any]) -> None:
        """Add a logged epoch to the history; raise RunError if it cannot be written."""
        self.history.append(row)
        if not self._unwritten:
            with folder.writing(self.directory / folder.HISTORY):
                self.history.write()

    def checkpoint(
        self,
        content: dict[str, Any],
        epoch: int,
        batch: int,
        step: int,
        *,
        best: bool,
        keep_last: int,
    ) -> None:
        """Write a checkpoint like `Checkpoints.write`; raise RunError on failure."""
        self._begin()
        with folder.writing(self.directory):
            history = {"history": self.history.state()}
            self.checkpoints.write(content | history, epoch, batch, step, best, keep_last)

    def write_behavior(self, behavior: bytes) -> None:
        """Write what the components of an unfinished run compute; raise RunError on failure."""
        self._begin()
        with folder.writing(self.directory):
            self._write({folder.BEHAVIOR: behavior})

    def finished(
        self,
        model: Model,
        metrics: Mapping[str, dict[str, Any]],
        seconds: float,
        ending: Mapping[str, Any],
        others: Mapping[str, bytes],
        card: Callable[[Manifest], Card] | None = None,
    ) -> None:
        """Write the weights, the metrics and other files of the finished model.

        Args:
            model: the model.
            metrics: its metrics by data set.
            seconds: how long the run took.
            ending: what the manifest says about the end of the training.
            others: the contents of other files by name, e.g. the results of analyses.
            card: returns the model card, which a person may change: it has no checksum.

        Raises:
            RunError: a file cannot be written.
        """
        weights, written = save(model.parameters()), METRICS_FILE.write(dict(metrics))
        files = {folder.WEIGHTS: weights, folder.METRICS: written, **others}
        if self._unwritten:
            files[folder.HISTORY] = self.history.take_lines()
        if card is not None:
            readme = card(replace(self._manifest, **ending)).content(self.directory)
            files |= {README: readme} if readme is not None else {}
        with folder.writing(self.directory):
            self._write_first(files)
            if folder.HISTORY not in files:
                self._checksums[folder.HISTORY] = f"sha256:{self.history.state()['sha256']}"
            listed = {"files": dict(sorted(self._checksums.items()))}
            self._end("finished", seconds, {**ending, **listed})

    def forget_checkpoints(self) -> None:
        """Remove the checkpoints of a finished run; ignore files that cannot be removed."""
        with suppress(OSError):
            self.checkpoints.clear()

    def failed(
        self,
        model: Model,
        error: BaseException,
        seconds: float,
        more: Mapping[str, Any],
        others: Mapping[str, bytes],
    ) -> None:
        """Record how the run ended; an interrupted run keeps its weights, and other files.

        `more` is what the manifest keeps besides.

        Never raises: a disk that made the run fail may also fail here, and the run's own error is
        the one to report.
        """
        with suppress(OSError, RunError):
            self._begin()
            if isinstance(error, KeyboardInterrupt):
                self._write({folder.WEIGHTS: save(model.parameters()), **others})
                self._end("interrupted", seconds, {**more, "files": self._checksums})
            else:
                message = error_summary(error)
                self._end("failed", seconds, {**more, "error": message})

    def _write_first(self, others: Mapping[str, bytes] = MappingProxyType({})) -> None:
        """Write the deferred files and others, the spec first."""
        files, self._unwritten = {**self._unwritten, **others}, {}
        self._write(files)

    def _write(self, files: Mapping[str, bytes]) -> None:
        """Write files by name, and note the checksums of all but the README."""
        write_together(self.directory, files, unsynced=(README,))
        self._checksums |= {
            name: checksum(content) for name, content in files.items() if name != README
        }

    def _end(self, status: str, seconds: float, more: Mapping[str, Any]) -> None:
        ending = {"status": status, "ended": now(), "seconds": round(seconds, 3), **more}
        self._manifest = replace(self._manifest, **ending)
        self._write_manifest()

    def _write_manifest(self) -> None:
        write_atomically(self.directory / folder.MANIFEST, MANIFEST_FILE.write(self._manifest))


def _files_of(preparation: FittedPreparation) -> dict[str, bytes]:
    """Return the files of a preparation by name."""
    if preparation.changes_nothing:
        return {}
    content, arrays = stored(preparation)
    files = {folder.PREPARATION_ARRAYS: save(arrays)} if arrays else {}
    return {**files, folder.PREPARATION: content}
