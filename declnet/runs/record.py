"""Writes a run down as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from declnet.errors import RunError
from declnet.graph.model import Model
from declnet.runs import folder
from declnet.runs.manifest import now
from declnet.runs.writing import append_line, write_atomically, write_json


class Record:
    """A run's folder while the run goes on.

    Attributes:
        directory: the folder, already claimed.

    Raises:
        RunError: the folder cannot be written.
    """

    def __init__(self, directory: Path, spec_toml: str, manifest: dict[str, Any]) -> None:
        self.directory = directory
        self._manifest = manifest
        with _writing():
            write_json(directory / folder.MANIFEST, manifest)
            write_atomically(directory / folder.SPEC, spec_toml.encode())

    def epoch(self, row: dict[str, Any]) -> None:
        """Adds a logged epoch to the history; raises RunError if it cannot be written."""
        with _writing():
            append_line(self.directory / folder.HISTORY, row)

    def finished(
        self,
        model: Model,
        metrics: dict[str, dict[str, float]],
        seconds: float,
        stopped: str | None = None,
    ) -> None:
        """Writes weights and figures of the finished model; raises RunError if that fails.

        Args:
            stopped: why a callback ended the training, if one did.
        """
        with _writing():
            self._weights(model)
            write_json(self.directory / folder.METRICS, metrics)
            self._end("finished", seconds, {"stopped": stopped} if stopped else {})

    def failed(self, model: Model, error: BaseException, seconds: float) -> None:
        """Writes how the run ended; an interrupted one leaves its weights as they were.

        Never raises: the disk that made a run fail may refuse this too, and the run's own error is
        the one to report.
        """
        interrupted = isinstance(error, KeyboardInterrupt)
        try:
            if interrupted:
                self._weights(model)
            cause = {} if interrupted else {"error": f"{type(error).__name__}: {error}"}
            self._end("interrupted" if interrupted else "failed", seconds, cause)
        except OSError:
            return

    def _weights(self, model: Model) -> None:
        write_atomically(self.directory / folder.WEIGHTS, save(model.parameters()))

    def _end(self, status: str, seconds: float, more: dict[str, str]) -> None:
        self._manifest |= {"status": status, "ended": now(), "seconds": round(seconds, 3), **more}
        write_json(self.directory / folder.MANIFEST, self._manifest)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or "the run's folder"
        raise RunError(f"{where}: cannot be written: {error.strerror}") from None
