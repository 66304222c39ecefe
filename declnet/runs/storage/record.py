"""Recording a run in its folder as it happens."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from safetensors.numpy import save

from declnet.data.preparation import FittedPreparation
from declnet.data.stored_preparation import stored
from declnet.errors import RunError
from declnet.graph.model import Model
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import Checkpoint, Checkpoints
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.manifest import now
from declnet.runs.storage.writing import (
    append_line,
    json_document,
    open_file,
    remove_temporary,
    write_atomically,
    write_json,
)


class HistoryFile:
    """The history file of a running run, with its length and hash."""

    def __init__(self, path: Path) -> None:
        self._path, self._bytes, self._hash = path, 0, hashlib.sha256()

    def append(self, row: dict[str, Any]) -> None:
        """Append a line; raise OSError if it cannot be written."""
        line = append_line(self._path, row)
        self._bytes += len(line)
        self._hash.update(line)

    def state(self) -> dict[str, Any]:
        """Sync the file to disk and return its length and hash; raise OSError on failure."""
        if self._bytes:
            with open_file(self._path, "rb") as file:
                os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}

    def begins_as(self, state: dict[str, Any]) -> bool:
        """Return whether the file still begins with the content described by `state`."""
        return bool(hashlib.sha256(self._read(state["bytes"])).hexdigest() == state["sha256"])

    def cut(self, length: int) -> list[dict[str, Any]]:
        """Truncate to a length in bytes and return the remaining rows; raise OSError on failure."""
        kept = self._read(length)
        if self._path.is_file() and self._path.stat().st_size > length:
            write_atomically(self._path, kept)
        self._bytes, self._hash = len(kept), hashlib.sha256(kept)
        return [with_nan(json.loads(line)) for line in kept.splitlines()]

    def _read(self, length: int) -> bytes:
        if not length or not self._path.is_file():
            return b""
        with open_file(self._path, "rb") as file:
            return file.read(length)


def with_nan(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as logged, with NaN in place of JSON null."""
    return {name: math.nan if value is None else value for name, value in row.items()}


class Record:
    """The folder of a running run, locked by this process.

    Attributes:
        directory: the folder, already claimed.
        history: the logged epochs.
        checkpoints: the checkpoints the run can be resumed from.
    """

    def __init__(self, directory: Path, manifest: dict[str, Any]) -> None:
        self.directory, self._manifest = directory, manifest
        self.history = HistoryFile(directory / folder.HISTORY)
        self.checkpoints = Checkpoints(directory)
        self._checksums = {folder.SPEC: manifest["spec"]}

    @classmethod
    def begun(
        cls,
        directory: Path,
        spec_toml: str,
        preparation: FittedPreparation | None,
        manifest: dict[str, Any],
    ) -> Self:
        """Write everything known before the first step; raise RunError on failure.

        The spec is written first, so that a run killed in between can be restarted.
        """
        record = cls(directory, manifest)
        with _writing(directory):
            remove_temporary(directory)
            write_atomically(directory / folder.SPEC, spec_toml.encode())
            record._prepared(preparation)
            write_json(directory / folder.MANIFEST, manifest)
        return record

    def resumed(self, epoch: int, step: int, changes: list[str]) -> None:
        """Add to the manifest where another process resumes, and what has changed since."""
        entry = {"at": now(), "from_epoch": epoch, "from_step": step, "changes": changes}
        self._manifest["resumed"] = [*self._manifest.get("resumed", ()), entry]

    def rewind(
        self, checkpoint: Checkpoint | None, length: int, preparation: FittedPreparation | None
    ) -> list[dict[str, Any]]:
        """Discard all after a checkpoint (None: all), and all but `length` bytes of the history.

        The preparation is written again, since the file may have been lost or damaged.

        Returns:
            The remaining rows of the history.

        Raises:
            RunError: a file cannot be written.
        """
        with _writing(self.directory):
            remove_temporary(self.directory)
            self.checkpoints.rewind(checkpoint)
            rows = self.history.cut(length)
            self._prepared(preparation)
            (self.directory / folder.CALIBRATION).unlink(missing_ok=True)  # of a kill at the end
            write_json(self.directory / folder.MANIFEST, self._manifest)
        return rows

    def epoch(self, row: dict[str, Any]) -> None:
        """Add a logged epoch to the history; raise RunError if it cannot be written."""
        with _writing(self.directory / folder.HISTORY):
            self.history.append(row)

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
        with _writing(self.directory):
            history = {"history": self.history.state()}
            self.checkpoints.write(content | history, epoch, batch, step, best, keep_last)

    def finished(
        self,
        model: Model,
        metrics: dict[str, dict[str, float]],
        analyses: Sequence[Mapping[str, Any]],
        seconds: float,
        ending: Mapping[str, Any],
        calibration: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the weights, metrics and analyses of the finished model.

        `ending` is what the manifest says about the end of the training; `calibration` is the
        content of its file, if there is one.

        Raises:
            RunError: a file cannot be written.
        """
        with _writing(self.directory):
            self._weights(model)
            if calibration is not None:
                self._write(folder.CALIBRATION, json_document(calibration))
            self._write(folder.METRICS, json_document(metrics))
            if analyses:
                self._write(folder.ANALYSES, json_document(analyses))
            self._checksums[folder.HISTORY] = f"sha256:{self.history.state()['sha256']}"
            files = {"files": dict(sorted(self._checksums.items()))}
            self._end("finished", seconds, {**ending, **files})

    def forget_checkpoints(self) -> None:
        """Remove the checkpoints of a finished run; ignore files that cannot be removed."""
        with suppress(OSError):
            self.checkpoints.clear()

    def failed(
        self, model: Model, error: BaseException, seconds: float, found: Mapping[str, Any]
    ) -> None:
        """Record how the run ended; an interrupted run keeps its weights unchanged.

        `found` is what the manifest keeps besides.

        Never raises: a disk that made the run fail may also fail here, and the run's own error is
        the one to report.
        """
        with suppress(OSError):
            if isinstance(error, KeyboardInterrupt):
                self._weights(model)
                self._end("interrupted", seconds, {**found, "files": self._checksums})
            else:
                message = f"{type(error).__name__}: {error}"
                self._end("failed", seconds, {**found, "error": message})

    def _weights(self, model: Model) -> None:
        self._write(folder.WEIGHTS, save(model.parameters()))

    def _prepared(self, preparation: FittedPreparation | None) -> None:
        written = stored(preparation) if preparation is not None else None
        if written is not None and written.arrays:
            self._write(folder.PREPARATION_ARRAYS, save(written.arrays))
        if written is not None:
            self._write(folder.PREPARATION, json_document(written.document))

    def _write(self, name: str, content: bytes) -> None:
        write_atomically(self.directory / name, content)
        self._checksums[name] = checksum(content)

    def _end(self, status: str, seconds: float, more: Mapping[str, Any]) -> None:
        self._manifest |= {"status": status, "ended": now(), "seconds": round(seconds, 3), **more}
        write_json(self.directory / folder.MANIFEST, self._manifest)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{error.filename or path}: cannot be written: {error.strerror}") from None
