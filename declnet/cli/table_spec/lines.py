"""Lines of TOML with comments that stand in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import tomli_w

Line = str | tuple[str, str]
"""A line, or one with a comment that is aligned with its neighbours'."""

WIDEST = 60
"""A longer line does not move the comments of its neighbours."""


def aligned(block: Iterable[Line]) -> Iterator[str]:
    """Lines whose comments begin at one column, stretch by stretch."""
    stretch: list[tuple[str, str]] = []
    for each in block:
        if isinstance(each, tuple):
            stretch.append(each)
            continue
        yield from _with_comments(stretch)
        stretch = []
        yield each
    yield from _with_comments(stretch)


def _with_comments(stretch: list[tuple[str, str]]) -> Iterator[str]:
    widths = [len(line) for line, _ in stretch if len(line) <= WIDEST]
    for line, comment in stretch:
        yield f"{line.ljust(max(widths, default=0))}  # {comment}"


def as_toml(value: str | float) -> str:
    """A value as TOML, on one line."""
    return tomli_w.dumps({"v": value}).strip()[4:]
