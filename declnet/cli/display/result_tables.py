"""The output of a check, a run and an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.cli.display.conclusion import after_a_model, print_judged, print_next
from declnet.cli.display.streams import command_output, print_line
from declnet.cli.display.terminal import (
    BLOCKS,
    fits,
    is_terminal,
    print_table,
    print_with_heading,
    print_wrapped,
    shown_bytes,
    sparkline,
)
from declnet.contracts.data.table import Table, column_type, missing_values
from declnet.contracts.network.inputs import InputInfo
from declnet.display.tables import (
    ResultTable,
    Row,
    format_metric,
    format_number,
    kinds_of,
)
from declnet.display.words import counted
from declnet.graph.display import layers_table
from declnet.graph.initial_weights import StartingPoint
from declnet.graph.shapes import Node
from declnet.runs.display.metric_labels import abbreviations, metrics_in_words, ordered
from declnet.runs.display.result_tables import confused_pairs, metrics_table
from declnet.runs.display.series_tables import series_table
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.many.series import RunSeries
from declnet.runs.ranking import informative
from declnet.runs.storage.folder import SUMMARY
from declnet.spec.shown_values import from_here

if TYPE_CHECKING:
    from declnet.runs.result import RunResult  # what opens runs, which a check need not import


def print_layers(nodes: Sequence[Node], inputs: Mapping[str, InputInfo]) -> None:
    """Print a row per layer: name, type, output shape (n samples first), parameters."""
    print_table(layers_table(nodes, inputs))


def print_starting_point(point: StartingPoint | None) -> None:
    """Print which parameters are loaded from a file and which are not, if that is a choice."""
    for line in point.lines() if point is not None else ():
        print_line(from_here(line))


def print_memory(memory: Mapping[str, int]) -> None:
    """Print a row for each use of memory, and the total."""
    sizes = {**memory, "total": sum(memory.values())}
    rows = tuple((purpose, shown_bytes(size)) for purpose, size in sizes.items())
    print_table(ResultTable("", ("memory of a run", "size"), rows, kinds={"size": "number"}))


MOST = 60
"""Maximum number of columns printed."""


def print_columns(records: Table, no_features: Mapping[str, str]) -> None:
    """Print a row per column: name, type, role, missing values, distinct values.

    Args:
        records: the training data as loaded.
        no_features: columns that the spec uses for something else, with their purposes.
    """
    roles: dict[str, str] = dict.fromkeys(records.feature_columns, "feature")
    roles |= {**dict.fromkeys(records.target_columns, "target"), **no_features}
    rows: list[Row] = []
    for name, column in islice(records.columns.items(), MOST):
        gaps = missing_values(column)
        there = column[~gaps]
        distinct = set(there.tolist()) if there.dtype.kind == "O" else np.unique(there)
        counts = (int(np.count_nonzero(gaps)), len(distinct))
        rows.append((name, column_type(column), roles.get(name, ""), *counts))
    if len(records.columns) > MOST:
        rows.append((f"… and {len(records.columns) - MOST:,} more", "", "", "", ""))
    columns = ("column", "type", "serves as", "missing", "distinct")
    print_table(ResultTable("", columns, tuple(rows), kinds=kinds_of(columns[3:])))


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the metrics, and the scores by class and the confusion matrix, if any."""
    print_line(f"{evaluation.data}: {counted(evaluation.samples, 'sample')}")
    tables = evaluation.tables()
    print_table(tables.pop("metrics"))
    if "calibration" in tables:
        print_with_heading(tables.pop("calibration"))
    for warning in evaluation.warnings:
        print_line(f"warning: {warning}")
    counts, names = evaluation.counts, evaluation.class_names
    if counts is not None and names is not None and not fits(tables["confusion"]):
        tables["confusion"] = confused_pairs(counts, names)
    for table in tables.values():
        print_table(table)
    for of_loss in evaluation.heads.values():
        print_evaluation(of_loss)


WIDTH = 60
"""Maximum width of a curve, in characters."""
NARROWEST = 12
"""Minimum width of a curve, in characters, with room for its numbers."""


def print_result(
    result: RunResult,
    seconds: float,
    *,
    quiet: bool = False,
    plain: bool = False,
    shown: Sequence[str] = (),
) -> None:
    """Print the final metrics: a line per data set, or curves and a table on a terminal.

    Args:
        result: the result of the finished run.
        seconds: how long the command took.
        quiet: whether to omit the curves.
        plain: whether to print lines even on a terminal.
        shown: warnings that have been shown already.
    """
    if plain or not is_terminal(command_output()):
        shorter = abbreviations(result.spec.heads)
        for name, values in result.metrics.items():
            print_wrapped(f"{name}: {metrics_in_words(values, shorter)}")
    else:
        if not quiet and len(result.history) >= 3 and _can_encode(BLOCKS):
            _print_curves(result.history)
        print_table(metrics_table(result.metrics))
    for name, calibration in result.calibrations.items():
        loss = f"{name} " if name else ""
        fitted = f"{loss}calibrated on {counted(calibration.samples, 'validation sample')}"
        print_wrapped(f"{fitted}: {'; '.join(calibration.summaries())}")
    for warning in result.warnings:
        if warning not in shown:
            print_wrapped(f"warning: {warning}")
    if result.analyses:
        types = ", ".join(
            dict.fromkeys(str(analysis.analysis["type"]) for analysis in result.analyses)
        )
        print_line(f"analyses: {types}")
    if result.stopped is not None:
        print_wrapped(f"stopped after epoch {result.epochs - 1}: {result.stopped}")
    if result.restored is not None:
        print_wrapped(f"the model has the parameters of {result.restored}")
    print_judged(result)
    print_line(f"{seconds:.2f} s, {result.directory}")
    if not quiet and result.directory is not None:
        print_next(result.directory, after_a_model(result.spec))


MOST_SERIES = 20
"""Maximum number of runs in the table of folds and seeds."""
SERIES_WIDTH = 100
"""Maximum width of that table."""


def print_series(series: RunSeries, directory: Path) -> None:
    """Print the metrics of each seed and fold, then their mean and standard deviation.

    Args:
        series: the runs.
        directory: their folder.
    """
    table = series_table(series)
    if len(table.rows) > MOST_SERIES:
        note = f"the first {MOST_SERIES} of {len(table.rows)} runs"
        table = replace(table, rows=table.rows[:MOST_SERIES], note=note)
    print_table(table, most=SERIES_WIDTH, elsewhere=f"all are in {directory / SUMMARY}")


def print_together(evaluations: Sequence[Evaluation]) -> None:
    """Print a line for each evaluation of the models of folds or members together."""
    for evaluation in evaluations:
        if not evaluation.metrics:
            continue  # of averages, the loss is unknown
        by = ", mean of all models" if evaluation.data != "out of fold" else ""
        print_wrapped(f"{evaluation.data}{by}: {_metrics_text(evaluation.metrics)}")


def _metrics_text(metrics: Mapping[str, float]) -> str:
    named = ordered(informative([{"": dict(metrics)}]))
    return ", ".join(f"{name}: {format_number(metrics[name])}" for _, name in named)


def _print_curves(history: list[dict[str, Any]]) -> None:
    """Print the losses over the logged epochs."""
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
            print_line(f"{name.replace('_', ' ').ljust(indent)}  {curve}{ends}")


def _can_encode(text: str) -> bool:
    try:
        text.encode(command_output().encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
