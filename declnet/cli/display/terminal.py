"""Tables and sparklines on a terminal."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Literal, TextIO

from declnet.cli.display.streams import command_output, painted, print_document
from declnet.display.characters import escaped_line

WIDE = 100_000
"""Width for a file or pipe, in columns, so that nothing is truncated or wrapped."""


def is_terminal(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can show more than plain lines."""
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=painted(stream)).is_dumb_terminal


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    *,
    numeric: Collection[str] = (),
    footer: Sequence[Sequence[str]] = (),
    bold: Collection[tuple[int, int]] = (),
    red: Collection[tuple[int, int]] = (),
) -> None:
    """Print a table on standard output.

    Args:
        columns: the column headings.
        rows: the rows, each with a string per column.
        title: printed above it.
        numeric: the columns to align to the right.
        footer: rows below a separating line, e.g. totals.
        bold: the cells to emphasize on a terminal, as (row, column) from 0.
        red: the cells to show as wrong there.
    """
    if not is_terminal(command_output()):
        _print_plain(columns, rows, title, numeric, footer)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=painted(command_output()), highlight=False)
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.title = Text(escaped_line(title), style="bold") if title else None
    for column in columns:
        justify: Literal["right", "left"] = "right" if column in numeric else "left"
        table.add_column(Text(escaped_line(column)), justify=justify, overflow="fold")
    for number, row in enumerate(rows):
        cells = [(number, column) for column in range(len(row))]
        styles = ("bold" if each in bold else "red" if each in red else "" for each in cells)
        table.add_row(*map(Text, map(escaped_line, row), styles))
    if footer:
        table.add_section()
    for row in footer:
        table.add_row(*map(Text, map(escaped_line, row)))
    console.print(table)


def _print_plain(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None,
    numeric: Collection[str],
    footer: Sequence[Sequence[str]],
) -> None:
    """Print a table to a file or pipe: as on a terminal of any width, which takes rich minutes."""
    body = [[escaped_line(cell) for cell in row] for row in (columns, *rows, *footer)]
    columnwise = list(zip(*body, strict=True))
    padded = []
    for name, cells in zip(columns, columnwise, strict=True):
        lengths = [_cells(cell) for cell in cells]
        widest = max(lengths)
        gaps = (" " * (widest - length) for length in lengths)
        both = zip(cells, gaps, strict=True)
        padded.append([gap + cell if name in numeric else cell + gap for cell, gap in both])
    lines = [f" {'   '.join(cells)}".rstrip() for cells in zip(*padded, strict=True)]
    rule = f" {'─' * (sum(_cells(each[0]) for each in padded) + 3 * len(padded) - 3)}"
    lines.insert(1, rule)
    if 0 < len(footer) < len(lines) - 2:
        lines.insert(len(lines) - len(footer), "")
    if title:
        lines = [escaped_line(title).rstrip(), "", *lines]
    text = "\n".join(lines).strip("\n")
    print_document(f"{text}\n\n")


def _cells(text: str) -> int:
    """Return the width of a text in columns."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def column_width(name: str, cells: Iterable[str]) -> int:
    """Return the width of a table's column on a terminal, with the space before the next."""
    return max(map(_cells, (name, *cells))) + 3


def table_room(columns: Iterable[tuple[str, Iterable[str]]]) -> int:
    """Return the width that these columns of a table leave; negative if they do not fit."""
    width = WIDE
    if is_terminal(command_output()):
        from rich.console import Console

        width = Console(file=painted(command_output())).width
    return width + 1 - sum(column_width(*each) for each in columns)


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
    finite = [each for each in shown if math.isfinite(each)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    span = high / 2 - low / 2  # in halves, since the full range may overflow
    top = len(BLOCKS) - 1

    def block(value: float) -> str:
        if not math.isfinite(value):
            return " "
        return BLOCKS[round((value / 2 - low / 2) / span * top)] if span else BLOCKS[0]

    return "".join(map(block, shown))


def _averaged(values: Sequence[float], width: int) -> list[float]:
    count = len(values)
    if count <= width:
        return list(values)
    edges = [count * part // width for part in range(width + 1)]
    return [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
