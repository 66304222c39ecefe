"""The folder of a sweep, a study or an ensemble: a file that is written first, and the summary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from declnet.errors import OutputError
from declnet.registry.registry import Registry
from declnet.runs.storage.folder import SUMMARY, read_object, reading, writing
from declnet.runs.storage.writing import write_json


class StoredGroup:
    """The folder of many runs that belong together, finished or not.

    Attributes:
        path: the folder.
        content: the content of the file that says what belongs to it.

    Raises:
        OutputError: the folder has no such file, or the file cannot be read.
    """

    file: ClassVar[str]
    purpose: ClassVar[str]
    """What the file is for, as in `describes a sweep`."""

    def __init__(self, path: str | Path, registry: Registry | None = None) -> None:
        self.path, self._registry = Path(path), registry
        with reading(self.path):
            if not self.is_at(path):
                what = "has no" if self.path.is_dir() else "there is no such folder, so no"
                raise OutputError(f"{path}: {what} {self.file}, which {self.purpose}")
            self.content = read_object(self.path / self.file)
            self._check(self.content)

    @classmethod
    def is_at(cls, path: str | Path) -> bool:
        """Return whether a folder is one of this kind."""
        return Path(path, cls.file).is_file()

    def _check(self, content: dict[str, Any]) -> None:
        """Raise ValueError if the content of the file is malformed."""
        raise NotImplementedError

    @property
    def status(self) -> str:
        """`finished`, `running` (or killed), or `failed` if a run did."""
        return str(self.content["status"])

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of `summary.json`; empty before there is one.

        Raises:
            OutputError: it cannot be read.
        """
        with reading(self.path):
            file = self.path / SUMMARY
            return read_object(file) if file.is_file() else {}

    def note(self, **changes: Any) -> None:
        """Change keys of the file.

        Raises:
            RunError: it cannot be written.
        """
        self.content = {**self.content, **changes}
        write_described(self.path / self.file, self.content)

    def _summarize(self, content: Mapping[str, Any]) -> None:
        """Write `summary.json`; raise RunError if it cannot be written."""
        write_described(self.path / SUMMARY, content)
        self.__dict__.pop("summary", None)


def write_described(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of a group.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path):
        write_json(path, content)
