"""Tables, long lines and sparklines on a terminal, or in a file as wide as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

from declnet.cli.display.streams import command_output, painted, print_document, print_line
from declnet.cli.display.table_layout import TableLayout, fitted, wrapped
from declnet.display.characters import escaped_line
from declnet.display.tables import ResultTable
from declnet.display.words import counted

if TYPE_CHECKING:
    from rich.text import Text


def is_terminal(stream: TextIO) -> bool:
    """Return whether the stream is a terminal that can show more than plain lines."""
    if not stream.isatty():
        return False
    from rich.console import Console

    return not Console(file=painted(stream)).is_dumb_terminal


def output_width() -> int:
    """Return the terminal's width; for other outputs `COLUMNS`, or 80 if it is unset."""
    if not is_terminal(command_output()):
        return get_terminal_size().columns
    from rich.console import Console

    return Console(file=painted(command_output())).width


def print_table(
    table: ResultTable, *, most: int | None = None, elsewhere: str | None = None
) -> None:
    """Print a table on standard output, no wider than `output_width`, with its note below.

    A last line counts the columns that are left out, if any.

    Args:
        table: the table.
        most: the maximum width, if it is to be narrower than a wide terminal.
        elsewhere: where columns that are left out can be seen; default: at the width that they
            need, or with `--format json` if the command has that option.
    """
    limit = output_width()
    layout = fitted(table, limit if most is None else min(limit, most))
    if table.columns and is_terminal(command_output()):
        from rich.console import Console

        console = Console(file=painted(command_output()), highlight=False)
        console.print(_painted_text(layout), soft_wrap=True)
        print_line()
    elif table.columns:
        print_document(f"{layout.text}\n\n")
    left_out = _left_out(layout, elsewhere) if layout.left_out else ""
    for line in filter(None, (table.note, left_out)):
        print_wrapped(line)
    if table.note or left_out:
        print_line()


def _left_out(layout: TableLayout, elsewhere: str | None) -> str:
    """Return which columns are left out, and how to see them."""
    import click

    names, more = layout.left_out[:2], len(layout.left_out) - 2
    columns = ", ".join(names) + (f" and {counted(more, 'more column')}" if more > 0 else "")
    if elsewhere is not None:
        return f"not shown: {columns}; {elsewhere}"
    ways = [f"at a width of {layout.full_width} (COLUMNS={layout.full_width})"]
    context = click.get_current_context(silent=True)
    options = context.command.params if context is not None else ()
    if any("--format" in o.opts and "json" in getattr(o.type, "choices", ()) for o in options):
        ways.append("with --format json")
    return f"not shown: {columns}; {' or '.join(ways)}"


def print_with_heading(table: ResultTable) -> None:
    """Print a table directly below its title."""
    print_wrapped(table.title)
    if table.columns:
        print_table(replace(table, title=""))
    else:
        print_wrapped(table.note)
        print_line()


def print_wrapped(text: str, indent: int = 2) -> None:
    """Print a text on as many lines as the output's width requires.

    Args:
        text: the text, whose line breaks are escaped.
        indent: the number of spaces before the second line and those that follow.
    """
    for line in wrapped(escaped_line(text), output_width(), indent):
        print_line(line)


def table_text(table: ResultTable, width: int) -> Text:
    """Return a table to show above a bar, at most `width` wide."""
    return _painted_text(fitted(table, width))


def _painted_text(layout: TableLayout) -> Text:
    from rich.text import Text

    lines = (Text.assemble(*line) for line in layout.lines)
    return Text("\n").join(lines)


def fits(table: ResultTable) -> bool:
    """Return whether all columns of a table fit, if need be with wrapped texts."""
    return not fitted(table, output_width()).left_out


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
