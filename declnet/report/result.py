"""What a finished run prints: its metrics and its folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import Any

from declnet.components.metric import Metric
from declnet.report.log_line import abbreviations, metrics_in_words
from declnet.report.metrics import format_metric, informative, ordered
from declnet.report.sparkline import BLOCKS, sparkline
from declnet.report.terminal import is_terminal, print_table
from declnet.runs.session import RunResult

WIDTH = 60
"""Characters of a curve, at most."""
NARROWEST = 12
"""Characters of a curve that leaves room for the numbers beside it."""


def print_result(
    result: RunResult, metrics: Sequence[Metric], *, quiet: bool = False, plain: bool = False
) -> None:
    """Print the final metrics: a line each data set, or curves and a table on a terminal.

    Args:
        result: of the finished run.
        metrics: of its spec.
        quiet: whether to leave the curves out.
        plain: whether to print lines on a terminal too.
    """
    if plain or not is_terminal(sys.stdout):
        shorter = abbreviations(metrics)
        for name, values in result.metrics.items():
            sys.stdout.write(f"{name}: {metrics_in_words(values, shorter)}\n")
    else:
        if not quiet:
            _print_curves(result.history)
        _print_metrics(result.metrics)
    sys.stdout.write(f"{result.seconds:.2f} s, {result.directory}\n")


def _print_curves(history: list[dict[str, Any]]) -> None:
    """The losses over the logged epochs, if there are enough of them to make a curve."""
    if len(history) < 3 or not _can_encode(BLOCKS):
        return
    names = [name for name in ("loss", "validation_loss") if name in history[-1]]
    indent = max(map(len, names))
    for name in names:
        values = [float(row[name]) for row in history if row.get(name) is not None]
        if values:
            ends = f"  {format_metric(values[0])} to {format_metric(values[-1])}"
            room = get_terminal_size().columns - indent - 2
            if room - len(ends) < NARROWEST:
                ends = ""
            curve = sparkline(values, max(min(WIDTH, room - len(ends)), 1))
            sys.stdout.write(f"{name.replace('_', ' ').ljust(indent)}  {curve}{ends}\n")


def _print_metrics(metrics: dict[str, dict[str, float]]) -> None:
    """A row for each metric, a column for each data set."""
    columns = list(metrics)
    names = dict.fromkeys(name for _, name in ordered(informative([metrics])))
    rows = [(name, *(format_metric(metrics[data].get(name)) for data in columns)) for name in names]
    print_table(None, ("", *columns), rows, numeric=frozenset(columns))


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
