"""A file held open for reading, which finds any change of the file since then."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

from declnet.errors import ChangedFileError


class OpenFile:
    """An open file for reads at any offset, from any thread; closed when garbage-collected.

    As long as it is open, no other file can get its identity, the device and the inode.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # for a named pipe
        self._descriptor = os.open(path, os.O_RDONLY | flags)
        weakref.finalize(self, os.close, self._descriptor)
        self.path, self._alone = path, threading.Lock()
        self._read = self._read_at if hasattr(os, "preadv") else self._read_after_seeking
        self._first = os.fstat(self._descriptor)

    @property
    def size(self) -> int:
        """The number of bytes in the file when it was opened."""
        return self._first.st_size

    def read_into(self, memory: memoryview, offset: int) -> None:
        """Fill memory with the file's bytes, starting at an offset.

        Raises:
            ChangedFileError: the file has been truncated.
            OSError: the bytes cannot be read.
        """
        while len(memory):
            count = self._read(memory, offset)
            if count == 0:
                raise ChangedFileError(str(self.path))
            memory, offset = memory[count:], offset + count

    def require_unchanged(self) -> None:
        """Raise ChangedFileError if the content of this file was written since it was opened.

        Only a write that restores the time of the last change, too, is not found.
        """
        now, first = os.fstat(self._descriptor), self._first
        if (now.st_mtime_ns, now.st_size) != (first.st_mtime_ns, first.st_size):
            raise ChangedFileError(str(self.path))

    def require_untouched(self) -> None:
        """Raise ChangedFileError if anything about this file changed, even its times alone."""
        self.require_unchanged()
        if os.fstat(self._descriptor).st_ctime_ns != self._first.st_ctime_ns:
            raise ChangedFileError(str(self.path))

    def require_in_place(self) -> None:
        """Raise ChangedFileError if the path leads to no file, or to another one."""
        try:
            now = self.path.stat()
        except OSError:
            raise ChangedFileError(str(self.path)) from None
        if not os.path.samestat(now, self._first):
            raise ChangedFileError(str(self.path))

    def _read_at(self, memory: memoryview, offset: int) -> int:
        return os.preadv(self._descriptor, (memory,), offset)

    def _read_after_seeking(self, memory: memoryview, offset: int) -> int:
        with self._alone:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            data = os.read(self._descriptor, len(memory))
        memory[: len(data)] = data
        return len(data)
