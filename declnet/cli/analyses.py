"""Analyses of a trained model: those that an option names, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from declnet.cli.display.terminal import print_with_heading
from declnet.contracts.runs.analysis import Analysis
from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.runs.inference.analyzing import AnalysisResult
from declnet.spec.source_argument import declared_component

MOST_ROWS = 40
"""Maximum number of rows printed of a table."""


def chosen_analyses(texts: Sequence[str], registry: Registry) -> tuple[Analysis, ...]:
    """Return the analyses that `--analyze` names; raise SpecError with every error."""
    analyses: list[Analysis] = []
    problems: list[Diagnostic] = []
    for number, text in enumerate(texts, start=1):
        try:
            analyses.append(declared_component(Analysis, text, "--analyze", number, registry))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return tuple(analyses)


def print_analysis(result: AnalysisResult) -> None:
    """Print the tables of an analysis, each with its note."""
    for table in result.tables:
        rows, left = table.rows[:MOST_ROWS], len(table.rows) - MOST_ROWS
        if left > 0:
            rows = (*rows, (f"… and {left:,} more", *[""] * (len(table.columns) - 1)))
        kinds = dict(zip(table.columns, table.column_kinds(), strict=True))
        print_with_heading(replace(table, rows=rows, kinds=kinds))
