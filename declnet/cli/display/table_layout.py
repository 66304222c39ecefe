"""Tables as lines that fit a width: cells are wrapped, and columns without room left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from declnet.display.characters import cell_width, escaped_line
from declnet.display.tables import ResultTable

Line = list[tuple[str, str]]
"""Texts one after another, each with its style: `bold`, `red` or none."""

NARROW, ROOMY = 20, 40
"""Widths down to which a column of texts is wrapped: if the columns that have to be shown lack
room, and if others would have none. Numbers are never wrapped."""
GAP = 3
"""Number of spaces between columns."""

_BREAKS = re.compile(r"(?<=\s)(?=\S)|(?<=[/._=,-])(?=[^\W\d_])")
"""Where a line may end: after a space, or within a path or a dotted name."""


@dataclass(frozen=True)
class TableLayout:
    """A table as lines of text.

    Attributes:
        lines: its lines, without line breaks.
        left_out: the titles of the columns without room.
        full_width: the width at which every column has room.
    """

    lines: tuple[Line, ...]
    left_out: tuple[str, ...]
    full_width: int

    @property
    def text(self) -> str:
        """The lines without styles."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self.lines)


def fitted(table: ResultTable, width: int) -> TableLayout:
    """Lay out a table.

    Optional columns without room are left out. If the others have too little room, their texts are
    wrapped, and the last ones are left out if even that does not suffice.

    Args:
        table: the table.
        width: the maximum width of a line.
    """
    columns = _columns(table)
    chosen = _chosen(columns, table, width - 1)
    shown = [columns[at] for at in chosen]
    widths = _widths(shown, width - 1)
    title = wrapped(escaped_line(table.title), width) if table.title else []
    lines: list[Line] = [*([(line, "bold")] for line in title), *([[]] if title else [])]
    heads = [wrapped(column.cells[0], size) for column, size in zip(shown, widths, strict=True)]
    tallest = max(map(len, heads), default=0)
    heads = [[""] * (tallest - len(head)) + head for head in heads]
    lines += _row(heads, shown, widths, ["bold"] * len(shown))
    lines.append([(f" {'─' * (sum(widths) + GAP * (len(widths) - 1))}", "")])
    styles = {(row, at): "bold" if mark > 0 else "red" for row, at, mark in table.marks}
    for number in range(len(table.rows) + len(table.footer)):
        if number == len(table.rows) and number:
            lines.append([])
        of_row = [styles.get((number, at), "") for at in chosen]
        sized = zip(shown, widths, strict=True)
        cells = [wrapped(column.cells[number + 1], size) for column, size in sized]
        lines += _row(cells, shown, widths, of_row)
    left_out = [name for at, name in enumerate(table.columns) if at not in chosen]
    full = sum(column.whole + GAP for column in columns) - GAP + 1
    return TableLayout(tuple(lines), tuple(left_out), full)


@dataclass(frozen=True)
class _Column:
    """A column with its title as the first cell.

    Attributes:
        right: whether it is aligned to the right.
        natural: the width that no cell exceeds.
        whole: the width at which only the title is wrapped.
        compact: the width at which long texts are wrapped too.
        least: the width at which other texts are wrapped too.
    """

    cells: Sequence[str]
    right: bool
    natural: int
    whole: int
    compact: int
    least: int


def _columns(table: ResultTable) -> list[_Column]:
    rows = [*table.texts(), *table.texts(table.footer)]
    columns = []
    for at, (name, right) in enumerate(zip(table.columns, table.right_aligned(), strict=True)):
        cells = [escaped_line(text) for text in (name, *(row[at] for row in rows))]
        head, *sizes = map(cell_width, cells)
        word = max(map(cell_width, map(str.rstrip, _BREAKS.split(cells[0]))))
        whole = max([word, *sizes])
        compact, least = (whole, whole) if right else (min(whole, ROOMY), min(whole, NARROW))
        columns.append(_Column(cells, right, max(head, whole), whole, compact, least))
    return columns


def _chosen(columns: Sequence[_Column], table: ResultTable, room: int) -> list[int]:
    """Return the positions of the columns that fit, in order."""
    optional = [table.columns.index(name) for name in table.optional]
    chosen = [at for at in range(len(columns)) if at not in optional]

    def total(positions: Iterable[int], *, least: bool = False) -> int:
        sizes = [columns[at].least if least else columns[at].compact for at in positions]
        return sum(sizes) + GAP * (len(sizes) - 1)

    for at in optional:
        if total([*chosen, at]) <= room:
            chosen.append(at)
    while len(chosen) > 1 and total(chosen, least=True) > room:
        chosen.pop()
    return sorted(chosen)


def _widths(columns: Sequence[_Column], room: int) -> list[int]:
    """Return the widths of columns; where room lacks, wide ones are narrowed first."""
    room -= GAP * (len(columns) - 1)
    fits = sum(column.compact for column in columns) <= room
    pairs = [
        (column.compact, column.natural) if fits else (column.least, column.whole)
        for column in columns
    ]

    def limited(most: int) -> list[int]:
        return [min(high, max(low, most)) for low, high in pairs]

    low, high = 0, max((high for _, high in pairs), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(limited(middle)) <= room else (low, middle - 1)
    widths = limited(low)
    return widths if len(widths) > 1 else [min(size, max(1, room)) for size in widths]


def _row(
    cells: Sequence[Sequence[str]],
    columns: Sequence[_Column],
    widths: Sequence[int],
    styles: Sequence[str],
) -> list[Line]:
    """Return the lines of a row, whose cells may have several."""
    lines: list[Line] = []
    for number in range(max(map(len, cells), default=0)):
        line: Line = []
        for column, size, style, texts in zip(columns, widths, styles, cells, strict=True):
            text = texts[number] if number < len(texts) else ""
            gap = " " * (size - cell_width(text))
            before = " " * GAP if line else " "
            line += [
                (before + gap * column.right, ""),
                (text, style),
                (gap * (not column.right), ""),
            ]
        lines.append(line)
    return lines


def wrapped(text: str, width: int, indent: int = 0, *, whole_words: bool = False) -> list[str]:
    """Return the lines of a text: at most `width` wide, the second and later ones indented.

    Args:
        text: the text, without line breaks.
        width: the maximum width of a line.
        indent: the number of spaces before the second line and those that follow.
        whole_words: whether a line may be wider rather than break a word, such as a path.
    """
    if cell_width(text) <= width:
        return [text]
    indent = min(indent, width // 2)
    lines, line = list[str](), ""
    for word in re.findall(r"\s*\S+", text):
        is_long = not whole_words and cell_width(word.strip()) > width - indent
        pieces = _BREAKS.split(word) if is_long else [word]
        for piece in pieces:
            if cell_width(line + piece) > width and line.strip():
                lines.append(line.rstrip())
                line = " " * indent + piece.lstrip()
            else:
                line += piece
            while not whole_words and cell_width(line) > width:
                start = _start(line, width)
                lines.append(start)
                line = " " * indent + line[len(start) :]
    return [*lines, line]


def _start(text: str, width: int) -> str:
    """Return as many characters as fit, one at least."""
    end = min(len(text), max(1, width))
    while end > 1 and cell_width(text[:end]) > width:
        end -= 1
    return text[:end]
