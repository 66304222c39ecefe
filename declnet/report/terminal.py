"""Tables on a terminal, and whole lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

WIDE = 100_000
"""Columns where the output is no terminal: nothing is cut off or wrapped in a file or a pipe."""


def print_table(
    title: str | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: frozenset[str] = frozenset(),
) -> None:
    """Prints a table on standard output.

    Args:
        title: printed above it.
        columns: their headings.
        rows: a string for each column.
        numeric: the columns that are aligned to the right.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.title = Text(title, style="bold") if title else None
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    if terminal:
        console.print(table)
        return
    with console.capture() as capture:
        console.print(table)
    lines = (line.rstrip() for line in capture.get().strip("\n").splitlines())
    sys.stdout.write("".join(f"{line}\n" for line in lines) + "\n")


def shown_bytes(count: int) -> str:
    """A size in the unit that suits it, e.g. `1.5 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.2f} GiB"
