"""Reads TOML's tree: pairs, headers, arrays and inline tables."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from declnet.spec.positions.entry import Entry, Part
from declnet.spec.positions.frame import Frame
from declnet.spec.positions.lines import ByteRange
from declnet.spec.positions.reader import ERROR, SHARED, Handler, Reader
from declnet.spec.positions.toml_tables import TomlTables

if TYPE_CHECKING:
    from tree_sitter import Node

TABLE = "table"
HEADERS = {TABLE, "table_array_element"}


class TomlReader(Reader):
    """Makes the entries of a TOML text."""

    def __init__(self, source: bytes) -> None:
        super().__init__(source)
        self._tables = TomlTables(self.entries, self.root, self.nesting, self.repetitions)

    def add_pair(self, frame: Frame, key: Sequence[Part], value: ByteRange) -> Entry:
        """The entry of a value, and of the tables that its dotted key makes."""
        return self._tables.add_pair(frame.entry, key, value, (frame.start, value[1]))

    def key(self, _kind: str, node: Node, frame: Frame) -> bool:
        """Takes one part of a pair's or header's key."""
        where = start, end = node.byte_range
        if start == end:  # tree-sitter missed it
            _break(frame)
        elif frame.parts is not None:
            frame.parts.append(
                Part(_decoded(self.source[start:end].decode("utf-8", "surrogatepass")), where)
            )
        return False

    def table(self, kind: str, node: Node, _frame: Frame) -> bool:
        """Goes into a header and its pairs, which are broken until the header is read."""
        return self.push(Frame(kind, self.root, *node.byte_range, parts=[], broken=True))

    def header_end(self, _kind: str, node: Node, frame: Frame) -> bool:
        """Takes the brackets that end a header."""
        if frame.kind not in HEADERS or not frame.parts:
            return False
        add = self._tables.open_table if frame.kind == TABLE else self._tables.append_table
        header = (frame.start, node.end_byte)
        table = self.source[frame.start : frame.end].rstrip()  # without the break after it
        frame.entry = add(frame.parts, header, (frame.start, frame.start + len(table)))
        frame.parts, frame.broken = None, False
        return False

    def error(self, kind: str, node: Node, frame: Frame) -> bool:
        """Goes into what does not parse; a header with such a part opens nothing."""
        if frame.kind in HEADERS and frame.parts is not None:
            _break(frame)
        return super().error(kind, node, frame)

    handlers: ClassVar[Mapping[str, Handler]] = {
        **SHARED,
        "inline_table": Reader.value,
        "string": Reader.value,
        "integer": Reader.value,
        "float": Reader.value,
        "boolean": Reader.value,
        "offset_date_time": Reader.value,
        "local_date_time": Reader.value,
        "local_date": Reader.value,
        "local_time": Reader.value,
        "bare_key": key,
        "quoted_key": key,
        "dotted_key": Reader.stay,
        TABLE: table,
        "table_array_element": table,
        ERROR: error,
        "[[": Reader.opening,
        "]": header_end,
        "]]": header_end,
    }


def _break(frame: Frame) -> None:
    """What follows in a pair or table without a readable key is given by no path."""
    frame.kind, frame.parts, frame.broken = ERROR, None, True


def _decoded(token: str) -> str:
    """What a bare or quoted key says."""
    if not token.startswith(('"', "'")):
        return token
    if "\\" in token:
        try:
            return next(iter(tomllib.loads(f"{token} = 0")))
        except ValueError:  # a wrong escape
            pass
    return token[1:-1]
