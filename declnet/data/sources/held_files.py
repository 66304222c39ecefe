"""The files of a data source, held open so that a change while they are read is an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from declnet.contracts.data.data_source import DataSource
from declnet.contracts.open_file import OpenFile
from declnet.contracts.returned import verified
from declnet.errors import ChangedFileError, KeyPath

MOST_HELD = 100
"""Maximum number of files of a source that are held open; a process may have 1024 open."""


class HeldFiles:
    """The files of a source as they are now, up to `MOST_HELD` of them.

    Folders, devices and what cannot be opened are left out.

    Args:
        source: the source.
        path: the key of the spec that errors concern.
    """

    def __init__(self, source: DataSource, path: KeyPath = ()) -> None:
        self._source, self._path = source, path
        self._files: list[OpenFile] = []
        for file in islice(verified(DataSource.data_files, source), MOST_HELD):
            with suppress(OSError):  # the source says what is wrong
                if file.is_file():
                    self._files.append(OpenFile(file))

    @contextmanager
    def unchanged(self, *, untouched: bool = False) -> Iterator[None]:
        """Require that the files do not change until the block ends, whatever it raises.

        Args:
            untouched: whether they must not even have been written to and given their former times.

        Raises:
            ChangedFileError: a file was replaced, removed, moved or written to.
        """
        self._require(untouched)
        try:
            yield
        except Exception:
            self._require(untouched)
            raise
        self._require(untouched)

    def changed(self) -> ChangedFileError:
        """Return the error for data that differ although no file seems to have changed."""
        names = " or ".join(os.fspath(file.path) for file in self._files)
        return ChangedFileError(names or f"the data of {self._source.type}", path=self._path)

    def _require(self, untouched: bool) -> None:
        try:
            for file in self._files:
                file.require_in_place()
                file.require_untouched() if untouched else file.require_unchanged()
        except ChangedFileError as error:
            raise error.at(self._path) from None
