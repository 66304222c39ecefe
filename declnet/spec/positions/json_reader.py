"""Reads JSON's tree: objects and arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from declnet.spec.positions.entry import Entry, Part
from declnet.spec.positions.frame import Frame
from declnet.spec.positions.lines import ByteRange
from declnet.spec.positions.reader import PAIR, SHARED, Handler, Reader
from declnet.spec.positions.repetition import repetition

if TYPE_CHECKING:
    from tree_sitter import Node


class JsonReader(Reader):
    """Makes the entries of a JSON text; the first value in it is the document."""

    def __init__(self, source: bytes) -> None:
        super().__init__(source, depth=-1)  # the text; the value in it has depth 0

    def loose_value(self, frame: Frame, value: ByteRange) -> Entry:
        """The entry of the document, or of a value that is not in it."""
        if frame.entry is not self.root or self.root.depth == 0 or frame.broken:
            return super().loose_value(frame, value)
        self.root = self.entries.document(0, value)
        return self.root

    def string(self, kind: str, node: Node, frame: Frame) -> bool:
        """Takes a key, or a value."""
        if frame.kind != PAIR or frame.parts is None or frame.parts:
            return self.value(kind, node, frame)
        where = start, end = node.byte_range
        frame.parts.append(Part(_decoded(self.source[start:end]), where))
        return False

    def add_pair(self, frame: Frame, key: Sequence[Part], value: ByteRange) -> Entry:
        """The entry of an object's value; of a key that stands twice the first is kept."""
        name, where = key[0]
        first = self.entries.get(frame.entry, name)
        if first is None:
            return self.entries.add(frame.entry, name, where, value)
        self.repetitions.append(repetition(first, where, (frame.start, value[1])))
        return self.entries.detached(frame.entry, name, where, value)

    handlers: ClassVar[Mapping[str, Handler]] = {
        **SHARED,
        "object": Reader.value,
        "string": string,
        "number": Reader.value,
        "true": Reader.value,
        "false": Reader.value,
        "null": Reader.value,
    }


def _decoded(token: bytes) -> str:
    text = token.decode("utf-8", "surrogatepass")
    try:
        return str(json.loads(text))
    except ValueError:  # a wrong escape or a control character
        return text[1:-1]
