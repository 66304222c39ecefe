"""A number in a spec file that a command will set."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from declnet.errors import KeyPath, OutputError
from declnet.runs.storage.writing import write_atomically
from declnet.spec.document.document import read_document
from declnet.spec.document.editing import number_literal, with_number


class EditableNumber:
    """A number in a spec file that will be set.

    Args:
        path: the file.
        key: the key of the number, in the file itself.
        number: a number to try.

    Raises:
        OutputError: the file cannot be written to, or the key is in a form that cannot be edited.
    """

    def __init__(self, path: Path, key: KeyPath, number: float) -> None:
        self._path, self._key = path.resolve(), key  # keeps a symbolic link
        self._content = self._path.read_bytes()
        self._source = read_document(path).source
        try:
            with self._path.open("r+b"):
                pass
            if not os.access(self._path.parent, os.W_OK):
                raise PermissionError(0, "its folder is read-only")
            with_number(self._source, key, number)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
        except ValueError as error:
            raise OutputError(f"{path}: {error}; set it by hand") from None

    def set(self, number: float, name: str) -> None:
        """Set the number; raise OutputError if the file has changed since it was read.

        Args:
            name: what messages call the number, e.g. `the learning rate`.
        """
        text = with_number(self._source, self._key, number)
        mark = self._content[:3] if self._content.startswith(codecs.BOM_UTF8) else b""
        by_hand = f"set {name} to {number_literal(number)} by hand"
        try:
            if self._path.read_bytes() != self._content:
                raise OutputError(f"{self._path} was changed in the meantime; {by_hand}")
            mode = self._path.stat().st_mode
            write_atomically(self._path, mark + text.encode())
            self._path.chmod(mode)
        except OSError as error:
            message = f"{self._path}: cannot be written: {error.strerror}; {by_hand}"
            raise OutputError(message) from None
