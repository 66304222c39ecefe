"""The folder of a sweep, a study or an ensemble: a file that is written first, and the summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from declnet.errors import OutputError
from declnet.registry.registry import Registry
from declnet.runs.many.groups.documents import EnsembleContent, StudyContent, SweepContent
from declnet.runs.storage.folder import read_json, reading, writing
from declnet.runs.storage.writing import write_atomically
from declnet.stored import Stored

Content = TypeVar("Content", EnsembleContent, StudyContent, SweepContent)


class StoredGroup(Generic[Content]):
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
    stored: ClassVar[Stored[Any]]
    """What reads and writes the file."""

    content: Content

    def __init__(self, path: str | Path, registry: Registry | None = None) -> None:
        self.path, self._registry = Path(path), registry
        with reading(self.path):
            is_there = self.is_at(path)
        if not is_there:
            what = "has no" if self.path.is_dir() else "there is no such folder, so no"
            raise OutputError(f"{path}: {what} {self.file}, which {self.purpose}")
        self.content = read_json(self.path / self.file, self.stored)

    @classmethod
    def is_at(cls, path: str | Path) -> bool:
        """Return whether a folder is one of this kind."""
        return Path(path, cls.file).is_file()

    @property
    def status(self) -> str:
        """`finished`, `running` (or killed), or `failed` if a run did."""
        return self.content.status

    def note(self, **changes: Any) -> None:
        """Change the content of the file.

        Raises:
            RunError: it cannot be written.
        """
        self.content = replace(self.content, **changes)
        write_described(self.path / self.file, self.stored.write(self.content))


def write_described(path: Path, content: bytes) -> None:
    """Write a file of a group.

    Raises:
        RunError: it cannot be written.
    """
    with writing(path):
        write_atomically(path, content)
