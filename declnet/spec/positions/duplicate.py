"""A key that stands twice, and the text without it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from declnet.errors import KeyPath
from declnet.spec.positions.span import Span


@dataclass(frozen=True)
class Duplicate:
    """A key or header that gives a path a second time.

    Attributes:
        path: what is given twice; if that is a part of a longer key, as far as that part.
        first: the first key; the header, if that opened the table.
        second: the repeated key or header.
        start: offset, in characters, of what to blank out so that the first stands alone.
        end: offset after it. A repeated header is blanked out with its pairs.
    """

    path: KeyPath
    first: Span
    second: Span
    start: int
    end: int


def blank_out(text: str, duplicates: Iterable[Duplicate]) -> str:
    """The text with spaces in place of duplicates: as long as before, with the same offsets.

    Line breaks stay, so lines keep their numbers too; only those inside of an inline table's
    pair become spaces, for TOML allows none between an inline table's braces.
    """
    pieces = []
    done = 0
    for duplicate in sorted(duplicates, key=attrgetter("start")):
        start = max(duplicate.start, done)
        if start < duplicate.end:  # else it is inside of a longer one
            repeated = text[start : duplicate.end]
            inline = text[duplicate.start] == ","
            pieces += [
                text[done:start],
                re.sub(r"." if inline else r"[^\r\n]", " ", repeated, flags=re.DOTALL),
            ]
            done = duplicate.end
    return "".join([*pieces, text[done:]])
