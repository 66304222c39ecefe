"""One key path of a document: where it stands, how it came to be, and what is below it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from declnet.errors import KeyPath
from declnet.spec.positions.lines import ByteRange


class Part(NamedTuple):
    """One part of a key as written: `b` in `a.b = 1`.

    Attributes:
        name: decoded, without quotes.
        where: with quotes.
    """

    name: str
    where: ByteRange


class Role(Enum):
    """How an entry came to be, which decides what may be added to it."""

    VALUE = auto()
    """A value after `=` or `:`, or a list's item: complete."""
    HEADER = auto()
    """A table with its own header, or an item of an array of tables."""
    IMPLICIT = auto()
    """A table that is only part of longer headers: `a` in `[a.b]`."""
    DOTTED = auto()
    """A table that is part of dotted keys: `a` in `a.b = 1`."""
    TABLES = auto()
    """An array of tables: `a` in `[[a]]`."""


@dataclass(slots=True, eq=False)
class Entry:
    """A value, table or list.

    Attributes:
        number: its own among its document's entries.
        parent: the table or list that it is in; None for the document.
        part: its key or position there.
        depth: the length of its path.
        key: where its key stands.
        value: where its value stands.
        role: how it came to be.
        length: how many entries are directly in it.
    """

    number: int
    parent: Entry | None
    part: str | int
    depth: int
    key: ByteRange | None
    value: ByteRange
    role: Role = Role.VALUE
    length: int = 0

    def path(self) -> KeyPath:
        """From the document to here."""
        parts = []
        entry = self
        while entry.parent is not None:
            parts.append(entry.part)
            entry = entry.parent
        return tuple(reversed(parts))
