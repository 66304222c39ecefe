"""What is wrong at a place of a text, before it becomes a problem."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from declnet.errors import Diagnostic
from declnet.spec.positions.span import Span
from declnet.spec.source import Source


@dataclass(frozen=True)
class Explanation:
    """What a person is told.

    Attributes:
        message: what is wrong.
        hint: what to do about it.
        start: offset of the guilty part in the text; None for where the parser stopped.
        length: characters of it.
        back: how many of them stand before the place where the parser stopped.
    """

    message: str
    hint: str | None = None
    start: int | None = None
    length: int = 1
    back: int = 0


@dataclass(frozen=True)
class Stop:
    """Where a parser stopped.

    Attributes:
        text: all of it.
        offset: in the text, from 0.
        cause: what the parser said.
    """

    text: str
    offset: int
    cause: str

    @property
    def before(self) -> str:
        """The line before the place."""
        return self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset]

    @property
    def rest(self) -> str:
        """The line from the place on, without spaces at its end."""
        return first_line(self.text[self.offset :])


Sign = tuple[str, str, Explanation]
"""Patterns of what stands right before a place and right behind it, and what that means."""


def first_fitting(stop: Stop, signs: Sequence[Sign]) -> Explanation | None:
    """What the first sign that is there means."""
    before = stop.before.rstrip()
    for left, right, explained in signs:
        if re.search(f"(?:{left})$", before) and re.match(right, stop.rest):
            return explained
    return None


def problem(source: Source, language: str, stop: Stop, explained: Explanation) -> Diagnostic:
    """The problem of an explanation.

    Args:
        source: the text.
        language: TOML or JSON.
        stop: where the parser stopped.
        explained: what is wrong.
    """
    start = stop.offset - explained.back if explained.start is None else explained.start
    line, column = source.text.count("\n", 0, start) + 1, start - source.text.rfind("\n", 0, start)
    length = min(explained.length, len(first_line(source.text[start:])))
    place = source.place(Span(line, column, line, column + length))
    message = f"malformed {language}: {explained.message}"
    return Diagnostic(message, explained.hint, (), "E002", place=place)


def first_line(text: str) -> str:
    """The first line of a text, without spaces at its end."""
    return text.split("\n", maxsplit=1)[0].rstrip()
