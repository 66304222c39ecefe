"""The texts that a spec is written in: files, and the overrides of a command line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from declnet.errors import KeyPath, Place

if TYPE_CHECKING:
    from declnet.spec.positions.index import Positions
    from declnet.spec.positions.span import Span
    from declnet.spec.positions.spot import Spot

Focus = Literal["key", "value"]


@dataclass(frozen=True, eq=False)
class Source:
    """A text with keys and values in it.

    Attributes:
        name: the file as the user named it, or `--set`.
        text: all of it, without a byte order mark.
        syntax: of the text.
    """

    name: str
    text: str
    syntax: Literal["toml", "json"]

    @cached_property
    def positions(self) -> Positions:
        """Where every key and value stands; made when somebody asks, so a right spec costs none."""
        from declnet.spec.positions.index import index_document

        return index_document(self.text, self.syntax)

    def spot(self, path: KeyPath) -> Spot | None:
        """Where a key path stands, or None if it is not in this text."""
        return self.positions.spot(path)

    def place(self, span: Span) -> Place:
        """A span of this text as people are told of it."""
        lines = self.text.split("\n")
        line = lines[span.line - 1].rstrip("\r") if span.line <= len(lines) else ""
        return Place(self.name, span.line, span.column, span.end_line, span.end_column, line)

    def place_at(self, line: int, column: int) -> Place:
        """A single character of this text."""
        from declnet.spec.positions.span import Span

        return self.place(Span(line, column, line, column + 1))
