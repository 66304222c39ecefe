"""What reading TOML and JSON share: tables and lists inside of each other, and broken parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from declnet.spec.positions.entries import Entries
from declnet.spec.positions.entry import Entry, Part
from declnet.spec.positions.frame import Frame
from declnet.spec.positions.lines import ByteRange
from declnet.spec.positions.nesting import Nesting
from declnet.spec.positions.repetition import Repetition

if TYPE_CHECKING:
    from tree_sitter import Node

DOCUMENT = "document"
LIST = "array"
PAIR = "pair"
ERROR = "ERROR"
CONTAINERS = {LIST, "inline_table", "object"}

Handler = Callable[[Any, str, "Node", Frame], bool]
"""Takes the reader, a node's type, the node, and what it is in; whether to go into it."""


class Reader(ABC):
    """A visitor that makes entries.

    A document that parses is indexed whole. Of what does not, the parts that tree-sitter makes
    sense of are; the rest is read for its depth alone.

    Attributes:
        handlers: by the type of node; others are passed over.
        entries: of the document.
        root: the document.
        repetitions: keys that stand twice, in the order of the text.
        nesting: how deep it goes.
    """

    handlers: ClassVar[Mapping[str, Handler]]

    def __init__(self, source: bytes, depth: int = 0) -> None:
        self.source = source
        self.entries = Entries()
        self.root = self.entries.document(depth, (0, len(source)))
        self.repetitions: list[Repetition] = []
        self.nesting = Nesting()
        self.frames = [Frame(DOCUMENT, self.root, 0)]

    @abstractmethod
    def add_pair(self, frame: Frame, key: Sequence[Part], value: ByteRange) -> Entry:
        """The entry of a pair's value."""

    def loose_value(self, frame: Frame, value: ByteRange) -> Entry:
        """The entry of a value in no list and with no key."""
        return self.entries.detached(frame.entry, "", None, value)

    def enter(self, node: Node) -> bool:
        """Takes a node; whether to go into it."""
        kind = node.type
        handler = self.handlers.get(kind)
        return handler is not None and handler(self, kind, node, self.frames[-1])

    def leave(self) -> None:
        """Ends the last node that was gone into."""
        self.frames.pop()

    def push(self, frame: Frame) -> bool:
        """Goes into a node."""
        self.frames.append(frame)
        return True

    def stay(self, _kind: str, _node: Node, frame: Frame) -> bool:
        """Goes into a node whose parts count as those of the node that it is in."""
        return self.push(frame)

    def comma(self, _kind: str, node: Node, frame: Frame) -> bool:
        """Takes a comma, which a pair that is blanked out takes with it."""
        frame.comma = node.start_byte
        return False

    def pair(self, kind: str, node: Node, frame: Frame) -> bool:
        """Goes into a key and its value."""
        start = node.start_byte if frame.comma is None else frame.comma
        frame.comma = None
        return self.push(Frame(kind, frame.entry, start, parts=[], broken=frame.broken))

    def value(self, kind: str, node: Node, frame: Frame) -> bool:
        """Takes a pair's value or a list's item; goes into it if it is a table or list."""
        start, _ = where = node.byte_range
        if frame.kind == LIST:
            entry = self.entries.append(frame.entry, where)
        elif frame.kind == PAIR and frame.parts and not frame.broken:
            entry = self.add_pair(frame, frame.parts, where)
            frame.parts = None  # not needed while what is inside is read
        else:
            entry = self.loose_value(frame, where)
        if kind not in CONTAINERS:
            return False
        self.nesting.note(entry.depth, (start, start + 1))
        return self.push(Frame(kind, entry, start))

    def error(self, kind: str, node: Node, frame: Frame) -> bool:
        """Goes into what does not parse; whole pairs in it still count among their neighbours."""
        if frame.kind == PAIR:
            frame.broken = True
        broken = frame.broken or frame.kind == LIST
        return self.push(Frame(kind, frame.entry, node.start_byte, broken=broken))

    def opening(self, _kind: str, node: Node, frame: Frame) -> bool:
        """Takes a bracket or brace; one that does not parse lets nobody know what follows it."""
        if frame.kind == ERROR:
            if frame.start == node.start_byte:
                self.frames[-2].broken = True
            frame.entry = self.entries.detached(frame.entry, "", None, node.byte_range)
            self.nesting.note(frame.entry.depth, node.byte_range)
        return False


SHARED: Mapping[str, Handler] = {
    DOCUMENT: Reader.stay,
    PAIR: Reader.pair,
    LIST: Reader.value,
    ERROR: Reader.error,
    ",": Reader.comma,
    "[": Reader.opening,
    "{": Reader.opening,
}
"""Handlers of the nodes that both syntaxes have."""
