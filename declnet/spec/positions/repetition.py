"""A key that stands twice, in bytes."""

from __future__ import annotations

from typing import NamedTuple

from declnet.spec.positions.entry import Entry, Role
from declnet.spec.positions.lines import ByteRange


class Repetition(NamedTuple):
    """What `Duplicate` says, before anyone asks for lines and columns.

    Attributes:
        entry: what is given twice.
        first: where it is given first.
        second: where it is repeated.
        blank: what to blank out.
    """

    entry: Entry
    first: ByteRange
    second: ByteRange
    blank: ByteRange


def repetition(entry: Entry, second: ByteRange, blank: ByteRange) -> Repetition:
    """The repetition of an entry: first given by its header if it has one, else by its key."""
    headed = entry.role in {Role.HEADER, Role.TABLES}
    first = entry.value if headed or entry.key is None else entry.key
    return Repetition(entry, first, second, blank)
