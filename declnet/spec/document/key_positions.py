"""Positions of keys and values in a TOML or JSON text, found with tree-sitter."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple

from declnet.errors import KeyPath

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

Syntax = Literal["toml", "json"]

Range = tuple[int, int]
"""Offsets in a text: the first character, and one past the last."""

LEVELS = 100
"""Maximum length of an indexed path; no spec within the limits has longer ones."""


class Spot(NamedTuple):
    """The location where a key path is written.

    Attributes:
        key: the last key with its quotes; None for an item of a list.
        value: the value. For a table with a header this is the header, e.g. `[training]`; for a
            table that is only part of longer keys, that part.
    """

    key: Range | None
    value: Range


class Duplicate(NamedTuple):
    """A key or header that gives a path a second time.

    Attributes:
        path: the path that is given twice; for part of a longer key, up to that part.
        first: the first key, or the header that opened the table.
        second: the repeated key or header.
        extent: the range to blank out so that only the first remains: a pair with the comma before
            it, or a header with its pairs.
    """

    path: KeyPath
    first: Range
    second: Range
    extent: Range


_Role = Literal["value", "header", "implicit", "dotted", "tables"]


class _Part(NamedTuple):
    """One part of a dotted key: its name without quotes, and its range."""

    name: str
    where: Range


@dataclass(slots=True, eq=False)
class _Entry:
    """A value, table or list of the document.

    Its role determines what may be added to it: a `value` is complete; a table is opened by a
    `header`, `implicit` in longer headers, or `dotted` in keys; `tables` is an array of tables.
    """

    path: KeyPath
    key: Range | None
    value: Range
    role: _Role = "value"
    below: dict[str | int, _Entry] = field(default_factory=dict)


class KeyPositions:
    """The positions of all keys and values of a text.

    If a text does not parse, its pairs and headers without errors are indexed.

    Attributes:
        duplicates: duplicate keys, in the order of the text. The first one counts. If a path leads
            through a value, e.g. `[a.b]` after `a = 1`, that value counts as given twice.
    """

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.duplicates: list[Duplicate] = []
        self._text, self._syntax = text, syntax
        self._root = _Entry((), None, (0, len(text)), "header")
        document = _parse(text, syntax).root_node
        if syntax == "toml":
            self._add_statements(document.children, self._root)
        else:
            for value in document.named_children:
                self._add_below(value, self._root)

    def spot(self, path: KeyPath) -> Spot | None:
        """Return where a key path is written, or None if it is not in the text."""
        entry = self._root
        for part in path:
            if part not in entry.below:
                return None
            entry = entry.below[part]
        return Spot(entry.key, entry.value)

    def _add_statements(self, nodes: Iterable[Node], table: _Entry) -> None:
        """Add the pairs of a table or the sections of a document."""
        for node in nodes:
            if node.type == "pair":
                self._add_pair(node, table, node.start_byte)
            elif node.type in ("table", "table_array_element"):
                self._add_section(node)
            elif node.type == "ERROR":
                self._add_statements(node.children, table)

    def _add_section(self, node: Node) -> None:
        children = node.children
        end = next((at for at, child in enumerate(children) if child.type in ("]", "]]")), 0)
        if any(child.has_error for child in children[: end + 1]):
            table = _unreachable(())
        else:
            start, text = node.start_byte, self._text[node.start_byte : node.end_byte]
            header, extent = (start, children[end].end_byte), (start, start + len(text.rstrip()))
            table = self._open(self._parts(children[1]), header, extent, children[end].type == "]]")
        self._add_statements(children[end + 1 :], table)

    def _add_pair(self, node: Node, table: _Entry, start: int) -> None:
        """Add a pair; `start` is its offset including the comma before it, if any."""
        parts = [child for child in node.named_children if child.type not in ("comment", "ERROR")]
        if len(parts) == 2 and not parts[0].has_error:
            key, value = parts
            extent = None if node.has_error else (start, value.end_byte)
            entry = self._define(table, self._parts(key), _range(value), extent)
            self._add_below(value, entry)

    def _add_below(self, node: Node, entry: _Entry) -> None:
        """Add the contents of a list or an inline table."""
        if len(entry.path) >= LEVELS or node.type not in ("array", "inline_table", "object"):
            return
        comma = node.start_byte
        for child in node.children:
            if child.type == "ERROR" and self._text[child.start_byte : child.end_byte].strip():
                return  # what follows may belong to anything; a line break is TOML 1.1
            if child.type == ",":
                comma = child.start_byte
            elif child.type == "pair":
                self._add_pair(child, entry, comma)
            elif child.is_named and child.type != "comment":
                self._add_below(child, _add(entry, len(entry.below), None, _range(child)))

    def _define(
        self, table: _Entry, key: Sequence[_Part], value: Range, extent: Range | None
    ) -> _Entry:
        """Return the entry of a pair's value, if `tomllib` allows the pair in the table."""
        implicit = []
        for index, part in enumerate(key[:-1]):
            inner = table.below.get(part.name)
            if inner is None:
                inner = _add(table, part.name, part.where, part.where, "dotted")
            elif inner.role == "implicit":
                implicit.append(inner)
            elif inner.role != "dotted":
                return self._repeat(inner, key[index:], part.where, extent)
            table = inner
        last = key[-1]
        if last.name in table.below:
            return self._repeat(table.below[last.name], key[-1:], last.where, extent)
        for table_entry in implicit:  # no header may open it from here on
            table_entry.role = "dotted"
        return _add(table, last.name, last.where, value)

    def _open(self, key: Sequence[_Part], header: Range, extent: Range, is_array: bool) -> _Entry:
        """Return the table that a header opens, if `tomllib` allows the header."""
        place = self._root
        for index, part in enumerate(key[:-1]):
            table = place.below.get(part.name)
            if table is None:
                table = _add(place, part.name, part.where, part.where, "implicit")
            elif table.role == "value":
                return self._repeat(table, key[index:], part.where, extent)
            place = table.below[len(table.below) - 1] if table.role == "tables" else table
        last = key[-1]
        table = place.below.get(last.name)
        if table is None:
            role: _Role = "tables" if is_array else "header"
            table = _add(place, last.name, last.where, header, role)
        elif table.role == "implicit" and not is_array:
            table.key, table.value, table.role = last.where, header, "header"
        elif table.role != "tables" or not is_array:
            return self._repeat(table, key[-1:], header, extent)
        return _add(table, len(table.below), None, header, "header") if is_array else table

    def _repeat(
        self, entry: _Entry, rest: Sequence[_Part], second: Range, extent: Range | None
    ) -> _Entry:
        """Record a duplicate entry, unless it does not parse; return an entry for its contents."""
        headed = entry.role in ("header", "tables")
        first = entry.value if headed or entry.key is None else entry.key
        if extent is not None:
            self.duplicates.append(Duplicate(entry.path, first, second, extent))
        return _unreachable((*entry.path[:-1], *(part.name for part in rest)))

    def _parts(self, key: Node) -> list[_Part]:
        """Return the parts of a key, or only the first ones if there are absurdly many."""
        parts = []
        while key.type == "dotted_key":
            key, part = key.named_children
            parts.append(part)
        nodes = [key, *reversed(parts)][: LEVELS + 1]
        return [_Part(self._name(_range(node)), _range(node)) for node in nodes]

    def _name(self, where: Range) -> str:
        token = self._text[slice(*where)]
        if not token.startswith(('"', "'")):
            return token
        if "\\" in token:
            try:
                if self._syntax == "json":
                    return str(json.loads(token))
                return next(iter(tomllib.loads(f"{token} = 0")))
            except ValueError:  # an invalid escape
                pass
        return token[1:-1]


def blank_out(text: str, duplicates: Iterable[Duplicate]) -> str:
    """Return the text with duplicates replaced by spaces, so that offsets do not change.

    Line breaks are kept, except in an inline table's pair, where TOML allows none.
    """
    pieces, done = [], 0
    for start, end in sorted(duplicate.extent for duplicate in duplicates):
        if end > done:  # otherwise it is inside a longer range
            inline = text[start] == ","
            repeated = text[max(start, done) : end]
            blank = re.sub(r"." if inline else r"[^\r\n]", " ", repeated, flags=re.DOTALL)
            pieces += [text[done:start], blank]
            done = end
    return "".join([*pieces, text[done:]])


def first_deeper_bracket(text: str, syntax: Syntax, limit: int) -> Range | None:
    """Return the first bracket or brace inside more than `limit` others, without recursion."""
    depth = 0
    cursor = _parse(text, syntax).walk()
    while True:
        if cursor.goto_first_child():
            continue
        token = cursor.node
        if token is not None and token.type in ("[", "[[", "{"):
            depth += len(token.type)
            if depth > limit:
                return _range(token)
        elif token is not None and token.type in ("]", "]]", "}"):
            depth -= len(token.type)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return None


def _add(
    table: _Entry, part: str | int, key: Range | None, value: Range, role: _Role = "value"
) -> _Entry:
    entry = table.below[part] = _Entry((*table.path, part), key, value, role)
    return entry


def _unreachable(path: KeyPath) -> _Entry:
    """Return an entry that no path leads to, for repeated or malformed content."""
    return _Entry(path, None, (0, 0), "header")


def _range(node: Node) -> Range:
    return node.start_byte, node.end_byte


_ODD_NUMBERS = re.compile(r'"(?:[^"\\\n]|\\.)*+"?|NaN|Infinity|(?<=[eE])\+')
"""A string, or a number syntax that tree-sitter-json does not support."""


def _parse(text: str, syntax: Syntax) -> Tree:
    """Parse a text with one byte per character, so that byte offsets equal character offsets.

    Non-ASCII characters become "@", which like them is allowed only in strings and comments.
    tree-sitter-json 0.24 does not support NaN, Infinity or a plus sign in an exponent
    (https://github.com/tree-sitter/tree-sitter-json/pull/64), so these are replaced.
    """
    from tree_sitter import Language, Parser

    text = re.sub(r"[^\x00-\x7f]", "@", text)
    if syntax == "json":
        text = _ODD_NUMBERS.sub(_known_number, text)
    grammar = import_module(f"tree_sitter_{syntax}")
    return Parser(Language(grammar.language())).parse(text.encode())


def _known_number(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith('"'):
        return text
    return "-" if text == "+" else "1" * len(text)
