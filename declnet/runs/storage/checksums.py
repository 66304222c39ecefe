"""Checksums of a run's files: recorded in the manifest, and checked before a file is used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from declnet.errors import OutputError
from declnet.runs.storage.folder import MANIFEST, REMEDY, content_of


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a file's content as the manifest records it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class RunFiles:
    """The files of a run, each compared with its checksum in the manifest before it is used.

    The manifest of a finished run lists all files that must be there.

    Args:
        directory: the run's folder.
        checksums: the checksums in the manifest by file.
        status: the status in the manifest.

    Attributes:
        directory: the run's folder.
    """

    def __init__(self, directory: Path, checksums: Mapping[str, str], status: str) -> None:
        self.directory, self._checksums = directory, checksums
        self._is_complete = status == "finished"

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if the run has no such file.

        Raises:
            OutputError: the file is missing, differs from the run's, or cannot be read.
        """
        path, expected = self.directory / name, self._checksums.get(name)
        content = content_of(path)
        if content is None:
            if expected is None:
                return None
            raise OutputError(f"{path}: this file of the run is missing; {REMEDY}")
        if expected is None and self._is_complete:
            message = f"not a file of this run: {MANIFEST} does not list it; remove it"
            raise OutputError(f"{path}: {message}")
        if expected is not None and checksum(content) != expected:
            message = f"changed since the run ended: its checksum in {MANIFEST} differs"
            raise OutputError(f"{path}: {message}; {REMEDY}")
        return content

    def require(self, name: str) -> bytes:
        """Return the content of a file that every run has; raise OutputError as `read` does."""
        content = self.read(name)
        if content is None:
            raise OutputError(f"{self.directory / name}: there is no such file")
        return content
