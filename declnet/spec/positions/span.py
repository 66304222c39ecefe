"""A stretch of a text, by lines and columns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Where something begins and ends.

    Attributes:
        line: of its first character, from 1.
        column: of its first character, from 1, counted in characters.
        end_line: of its last character.
        end_column: one past its last character.
    """

    line: int
    column: int
    end_line: int
    end_column: int
