"""Tables and sparklines on a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TextIO

from declnet.cli.display.streams import command_output, painted, print_document, print_line
from declnet.display.characters import escaped_line
from declnet.display.tables import ResultTable
from declnet.display.words import counted

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 100_000
"""Width for a file or pipe, in columns, so that nothing is truncated or wrapped."""


def is_terminal(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can show more than plain lines."""
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=painted(stream)).is_dumb_terminal


def print_table(table: ResultTable, *, first: Sequence[str] = (), rest: Sequence[str] = ()) -> None:
    """Print a table on standard output, with its note below.

    Args:
        table: the table.
        first: the columns that a narrow terminal shows in any case; none if it shows all.
        rest: the other columns that it shows as far as they fit, the most important one first;
            default: from left to right.
    """
    shown = _fitting(table, first, rest) if first else table
    if is_terminal(command_output()):
        from rich.console import Console

        Console(file=painted(command_output()), highlight=False).print(rich_table(shown))
    elif table.columns:
        print_document(f"{_plain_text(shown)}\n\n")
    if table.note:
        print_line(table.note)
        print_line()
    if left := len(table.columns) - len(shown.columns):
        more = counted(left, "more column")
        print_line(f"{more} on a wider terminal, in a file, or with --format json")


def print_with_heading(table: ResultTable) -> None:
    """Print a table below its title on a line, which may be longer than the table is wide."""
    print_line(table.title)
    if table.columns:
        print_table(replace(table, title=""))
    else:
        print_line(table.note)
        print_line()


def rich_table(table: ResultTable) -> Table:
    """Return a table to print on a terminal, or to show above a bar."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    drawn.title = Text(escaped_line(table.title), style="bold") if table.title else None
    for column, right in zip(table.columns, table.right_aligned(), strict=True):
        justify: Literal["right", "left"] = "right" if right else "left"
        drawn.add_column(Text(escaped_line(column)), justify=justify, overflow="fold")
    styles = {(row, at): "bold" if mark > 0 else "red" for row, at, mark in table.marks}
    for number, row in enumerate(table.texts()):
        of_row = (styles.get((number, at), "") for at in range(len(row)))
        drawn.add_row(*map(Text, map(escaped_line, row), of_row))
    if table.footer:
        drawn.add_section()
    for row in table.texts(table.footer):
        drawn.add_row(*map(Text, map(escaped_line, row)))
    return drawn


def _plain_text(table: ResultTable) -> str:
    """Return a table as on a terminal of any width, which takes rich minutes."""
    body = [list(table.columns), *table.texts(), *table.texts(table.footer)]
    columns = [list(map(escaped_line, cells)) for cells in zip(*body, strict=True)]
    padded, widths = [], []
    for right, cells in zip(table.right_aligned(), columns, strict=True):
        lengths = list(map(_cells, cells))
        widths.append(max(lengths))
        gaps = [" " * (widths[-1] - length) for length in lengths]
        pairs = zip(cells, gaps, strict=True)
        padded.append([gap + cell if right else cell + gap for cell, gap in pairs])
    lines = [f" {'   '.join(cells)}".rstrip() for cells in zip(*padded, strict=True)]
    lines.insert(1, f" {'─' * (sum(widths) + 3 * len(widths) - 3)}")
    if 0 < len(table.footer) < len(lines) - 2:
        lines.insert(len(lines) - len(table.footer), "")
    if table.title:
        lines = [escaped_line(table.title).rstrip(), "", *lines]
    return "\n".join(lines).strip("\n")


def _cells(text: str) -> int:
    """Return the width of a text in columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fits(table: ResultTable) -> bool:
    """Return whether standard output is wide enough for a table."""
    return sum(_widths(table)) <= _room()


def _fitting(table: ResultTable, first: Sequence[str], rest: Sequence[str]) -> ResultTable:
    """Return the columns that standard output is wide enough for."""
    widths, room = dict(zip(table.columns, _widths(table), strict=True)), _room()
    chosen: set[str] = set()
    for name in (*first, *rest, *table.columns):
        if name in widths and name not in chosen and (name in first or widths[name] <= room):
            chosen.add(name)
            room -= widths[name]
    return table.only([at for at, name in enumerate(table.columns) if name in chosen])


def _widths(table: ResultTable) -> list[int]:
    """Return the width of each column on a terminal, with the space before the next."""
    rows = [table.columns, *table.texts(), *table.texts(table.footer)]
    return [max(map(_cells, cells)) + 3 for cells in zip(*rows, strict=True)]


def _room() -> int:
    """Return how wide the columns of a table may be together."""
    if not is_terminal(command_output()):
        return WIDE
    from rich.console import Console

    return Console(file=painted(command_output())).width + 1


def shown_bytes(count: int) -> str:
    """Format a size in a suitable unit, e.g. `1.5 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.2f} GiB"


BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """Draw values as bars from the smallest (`▁`) to the largest (`█`).

    Args:
        values: the values; non-finite ones leave a blank.
        width: the maximum number of characters; more values are averaged in equal parts.
    """
    shown = _averaged(values, width)
    finite = [value for value in shown if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    span = high / 2 - low / 2  # in halves, since the full range may overflow
    top = len(BLOCKS) - 1

    def block(value: float) -> str:
        if not math.isfinite(value):
            return " "
        return BLOCKS[round((value / 2 - low / 2) / span * top)] if span else BLOCKS[0]

    return "".join(map(block, shown))


def _averaged(values: Sequence[float], width: int) -> list[float]:
    count, parts = len(values), min(width, len(values))
    edges = [*(count * part // parts for part in range(parts)), count]
    return [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
