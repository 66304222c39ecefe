"""A node of the tree that a reader is in."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.spec.positions.entry import Entry, Part


@dataclass(slots=True)
class Frame:
    """What a reader remembers of a node while it reads what is in it.

    Attributes:
        kind: the node's type; `reader.ERROR` if its key cannot be read.
        entry: what the pairs and values in it belong to.
        start: the node's first byte; of a pair, what to blank out begins here.
        end: one past the node's last byte, of a table with a header.
        parts: of its key, as far as read; None where none is expected, or no more.
        comma: the last comma's byte, if no pair has followed yet.
        broken: what follows in it is given by no path.
    """

    kind: str
    entry: Entry
    start: int
    end: int = 0
    parts: list[Part] | None = None
    comma: int | None = None
    broken: bool = False
