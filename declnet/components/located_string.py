"""Strings that know which folder they are relative to, if they turn out to be paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class LocatedString(str):
    """A string of a file in another folder than the spec's own.

    Attributes:
        folder: the file's.
    """

    __slots__ = ("folder",)
    folder: Path

    def __new__(cls, text: str, folder: Path) -> LocatedString:
        """The text, with its folder."""
        self = super().__new__(cls, text)
        self.folder = folder
        return self

    def __getnewargs__(self) -> tuple[str, Path]:  # type: ignore[override]
        """What a copy is made from."""
        return str(self), self.folder


def with_folder(value: Any, folder: Path) -> Any:
    """A document whose strings know their folder."""
    if isinstance(value, dict):
        return {key: with_folder(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [with_folder(item, folder) for item in value]
    return LocatedString(value, folder) if type(value) is str else value
