"""A trace as text: arrays side by side where they fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from declnet import escaped
from declnet.inspection.tracing.numbers import is_large, matrices, statistics
from declnet.inspection.tracing.sections import Numbers, Section

WIDTH = 100
"""Columns of a line of arrays."""

INDENT = "    "


def as_text(sections: Iterable[Section]) -> str:
    """Return the sections as lines of text."""
    return "\n\n".join("\n".join(map(str.rstrip, _lines(section))) for section in sections) + "\n"


def _lines(section: Section) -> Iterator[str]:
    title = escaped(section.title)
    yield title.upper() if section.chapter else title
    for line in section.equations:
        yield f"  {escaped(line)}"
    yield from _side_by_side(section.arrays)
    for line in section.notes:
        yield f"  {escaped(line)}"


def _side_by_side(arrays: Iterable[Numbers]) -> Iterator[str]:
    """Yield the lines of arrays, as many side by side as fit."""
    waiting: list[list[str]] = []
    for array in arrays:
        block = _block(array)
        if waiting and sum(map(_width, waiting)) + _width(block) > WIDTH:
            yield from _joined(waiting)
            waiting = []
        waiting.append(block)
    yield from _joined(waiting)


def _joined(blocks: list[list[str]]) -> Iterator[str]:
    height = max(map(len, blocks), default=0)
    for row in range(height):
        cells = ((block[row] if row < len(block) else "").ljust(_width(block)) for block in blocks)
        yield INDENT + "".join(cells)


def _width(block: list[str]) -> int:
    return max(map(len, block)) + 3


def _block(numbers: Numbers) -> list[str]:
    array = numbers.array
    shape = f"({', '.join(map(str, array.shape))}{',' if array.ndim == 1 else ''})"
    lines = [f"{escaped(numbers.label)} {shape}"]
    if numbers.repeated and is_large(array):
        return lines
    if is_large(array) and (summary := statistics(array)):
        lines.append(summary)
    for matrix in matrices(array):
        if matrix.index:
            lines.append(matrix.index)
        widths = [max(map(len, column)) for column in zip(*matrix.rows, strict=True)]
        lines += [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in matrix.rows
        ]
    return lines
