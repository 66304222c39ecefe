"""Analyses of a trained model: those that an option names, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from declnet.cli.display.streams import print_line
from declnet.cli.display.terminal import print_table
from declnet.contracts.runs.analysis import Analysis, AnalysisTable, Cell
from declnet.errors import Diagnostic, SpecError
from declnet.runs.display.metrics import format_number
from declnet.spec.source_argument import declared_component

if TYPE_CHECKING:
    from declnet.registry.registry import Registry
    from declnet.runs.inference.analyzing import AnalysisResult

MOST_ROWS = 40
"""Maximum number of rows printed of a table."""


def chosen_analyses(texts: Sequence[str], registry: Registry) -> tuple[Analysis, ...]:
    """Return the analyses that `--analyze` names; raise SpecError with every error."""
    found: list[Analysis] = []
    problems: list[Diagnostic] = []
    for number, text in enumerate(texts, start=1):
        try:
            found.append(declared_component(Analysis, text, "--analyze", number, registry))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return tuple(found)


def print_analysis(result: AnalysisResult) -> None:
    """Print the tables of an analysis, each with its note."""
    for table in result.tables:
        _print(table)


def _print(table: AnalysisTable) -> None:
    rows = [
        tuple(
            _shown(value, name in table.shares)
            for name, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows[:MOST_ROWS]
    ]
    left = len(table.rows) - len(rows)
    if left:
        rows.append((f"… and {left:,} more", *[""] * (len(table.columns) - 1)))
    numeric = [
        name
        for position, name in enumerate(table.columns)
        if all(not isinstance(row[position], str) for row in table.rows)
    ]
    print_line(table.title)  # a title of the table would be wrapped
    print_table(table.columns, rows, numeric=numeric)
    if table.note:
        print_line(table.note)
        print_line()


def _shown(value: Cell, is_share: bool) -> str:
    """Return a value as text; `-` for none."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return "-"
    if is_share and isinstance(value, int | float):
        return f"{100 * value:.1f} %"
    if isinstance(value, bool):
        return str(value).lower()
    return format_number(value) if isinstance(value, float) else str(value)
