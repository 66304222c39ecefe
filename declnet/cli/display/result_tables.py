"""The output of a check, a run and an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from shutil import get_terminal_size
from typing import Any

import numpy as np

from declnet.cli.display.streams import command_output, print_line
from declnet.cli.display.terminal import (
    BLOCKS,
    is_terminal,
    print_table,
    shown_bytes,
    sparkline,
    table_room,
)
from declnet.contracts.arrays import Array
from declnet.contracts.data.table import Table, column_type, missing_values
from declnet.contracts.network.inputs import InputInfo
from declnet.graph.display import LAYER_COLUMNS, layer_rows
from declnet.graph.initial_weights import StartingPoint
from declnet.graph.shapes import Node
from declnet.registry.spelling import counted
from declnet.runs.display.metrics import (
    abbreviations,
    format_metric,
    format_number,
    informative,
    metrics_in_words,
    ordered,
)
from declnet.runs.inference.evaluation import CalibrationResult, Evaluation
from declnet.runs.result import RunResult
from declnet.spec.messages import from_here


def print_layers(nodes: Sequence[Node], inputs: Mapping[str, InputInfo]) -> None:
    """Print a row per layer: name, type, output shape (n samples first), parameters."""
    print_table(LAYER_COLUMNS, layer_rows(nodes, inputs), numeric=["parameters"])


def print_starting_point(point: StartingPoint | None) -> None:
    """Print which parameters are loaded from a file and which are not, if that is a choice."""
    for line in point.lines() if point is not None else ():
        print_line(from_here(line))


def print_memory(memory: Mapping[str, int]) -> None:
    """Print a row for each use of memory, and the total."""
    rows = [(purpose, shown_bytes(size)) for purpose, size in memory.items()]
    rows.append(("total", shown_bytes(sum(memory.values()))))
    print_table(("memory of a run", "size"), rows, numeric=["size"])


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
    rows: list[tuple[str, ...]] = []
    for name, column in islice(records.columns.items(), MOST):
        gaps = missing_values(column)
        there = column[~gaps]
        distinct = set(there.tolist()) if there.dtype.kind == "O" else np.unique(there)
        counts = (f"{np.count_nonzero(gaps):,}", f"{len(distinct):,}")
        rows.append((name, column_type(column), roles.get(name, ""), *counts))
    if len(records.columns) > MOST:
        rows.append((f"… and {len(records.columns) - MOST:,} more", "", "", "", ""))
    columns = ("column", "type", "serves as", "missing", "distinct")
    print_table(columns, rows, numeric=columns[3:])


MOST_CLASSES = 30
"""Classes of the largest confusion matrix printed; beyond that, the worst pairs are listed."""
MOST_PAIRS = 15


def print_evaluation(found: Evaluation) -> None:
    """Print the metrics, and the scores by class and the confusion matrix, if any."""
    print_line(f"{found.data}: {counted(found.samples, 'sample')}")
    values = {name: found.metrics[name] for _, name in ordered(informative([{"": found.metrics}]))}
    values |= {
        name: value for name, value in (found.errors or {}).items() if name not in found.metrics
    }
    rows: list[tuple[str, ...]] = [(name, format_metric(value)) for name, value in values.items()]
    heads: tuple[str, ...] = ("metric", "value")
    if found.baseline is not None and found.baseline.metrics:
        constant, heads = found.baseline.metrics, (*heads, f"baseline: {found.baseline.prediction}")
        rows = [(*row, format_metric(constant.get(row[0]))) for row in rows]
    print_table(heads, rows, numeric=heads[1:])
    _print_calibration(found.calibration)
    for warning in found.warnings:
        print_line(f"warning: {warning}")
    columns = ("class", "precision", "recall", "f1", "support")
    classes = [
        [each["class"], *(f"{each[name]:.3f}" for name in columns[1:4]), str(each["support"])]
        for each in found.by_class()
    ]
    if classes:
        print_table(columns, classes, numeric=columns[1:])
    if found.counts is not None and found.class_names is not None:
        _print_confusion(found.counts, found.class_names)
    for each in found.heads.values():
        print_evaluation(each)


def _print_calibration(found: CalibrationResult | None) -> None:
    """Print what the calibrators learned, and what they do on this data."""
    if found is None:
        return
    fitted = f"fitted to {counted(found.samples, 'validation sample')}"
    print_line(f"calibration, {fitted}: {'; '.join(found.steps)}")
    if found.before is not None and found.after is not None:
        rows = [
            (name, format_metric(value), format_metric(found.after[name]))
            for name, value in found.before.items()
        ]
        print_table(
            ("metric", "uncalibrated", "calibrated"), rows, numeric=["uncalibrated", "calibrated"]
        )
    if found.coverage is not None:
        values = [f"{name} {value:.4g}" for name, value in found.coverage.items()]
        print_line(", ".join(values))
    if found.coverage is not None or found.before is None:
        print_line()  # as after a table


def _print_confusion(counts: Array, names: tuple[str, ...]) -> None:
    heads = [f"as {name}" for name in names]
    rows = [(name, *map(str, row)) for name, row in zip(names, counts.tolist(), strict=True)]
    cells = zip(("true class", *heads), zip(*rows, strict=True), strict=True)
    if len(names) > MOST_CLASSES or table_room(cells) < 0:
        places = [(true, as_) for true, as_ in np.argwhere(counts).tolist() if true != as_]
        places.sort(key=lambda place: -counts[place])
        pairs = [(names[i], names[j], str(counts[i, j])) for i, j in places[:MOST_PAIRS]]
        columns = ("true class", "predicted as", "samples")
        print_table(columns, pairs, "Most often confused", numeric=["samples"])
        return
    diagonal = [(index, index + 1) for index in range(len(names))]
    wrong = {(true, as_ + 1) for true, as_ in np.argwhere(counts).tolist() if true != as_}
    title = "Confusion matrix"
    print_table(["true class", *heads], rows, title, numeric=heads, bold=diagonal, red=wrong)


WIDTH = 60
"""Maximum width of a curve, in characters."""
NARROWEST = 12
"""Minimum width of a curve, in characters, with room for its numbers."""


def print_result(
    result: RunResult,
    *,
    quiet: bool = False,
    plain: bool = False,
    shown: Sequence[str] = (),
) -> None:
    """Print the final metrics: a line per data set, or curves and a table on a terminal.

    Args:
        result: the result of the finished run.
        quiet: whether to omit the curves.
        plain: whether to print lines even on a terminal.
        shown: warnings that have been shown already.
    """
    if plain or not is_terminal(command_output()):
        shorter = abbreviations(result.spec.heads)
        for name, values in result.metrics.items():
            print_line(f"{name}: {metrics_in_words(values, shorter)}")
    else:
        if not quiet and len(result.history) >= 3 and _can_encode(BLOCKS):
            _print_curves(result.history)
        columns = list(result.metrics)
        rows = [
            (name, *(format_metric(result.metrics[data].get(name)) for data in columns))
            for name in dict.fromkeys(name for _, name in ordered(informative([result.metrics])))
        ]
        print_table(("", *columns), rows, numeric=columns)
    _print_baseline(result)
    for name, calibration in result.calibrations.items():
        of = f"{name} " if name else ""
        fitted = f"{of}calibrated on {counted(calibration.samples, 'validation sample')}"
        print_line(f"{fitted}: {'; '.join(calibration.summaries())}")
    for warning in result.warnings:
        if warning not in shown:
            print_line(f"warning: {warning}")
    if result.analyses:
        types = ", ".join(dict.fromkeys(str(each.analysis["type"]) for each in result.analyses))
        print_line(f"analyses: {types}")
    if result.stopped is not None:
        print_line(f"stopped after epoch {result.epochs - 1}: {result.stopped}")
    if result.restored is not None:
        print_line(f"the model has the parameters of {result.restored}")
    print_line(f"{result.seconds:.2f} s, {result.directory}")


def _print_baseline(result: RunResult) -> None:
    """Print the metrics of a constant prediction on the most informative data."""
    for name in ("test", "validation", "train"):
        if name in result.baselines:
            found, shorter = result.baselines[name], abbreviations(result.spec.heads)
            values = (
                f"{shorter.get(each, each)}: {format_number(value)}"
                for each, value in found.metrics.items()
            )
            print_line(f"{name} baseline, {found.prediction}: {', '.join(values)}")
            return


def print_together(evaluations: Sequence[Evaluation]) -> None:
    """Print a line for each evaluation of the models of folds, and the baseline of the last."""
    for found in evaluations:
        if not found.metrics:
            continue  # of averages, the loss is unknown
        by = ", mean of all models" if found.data != "out of fold" else ""
        print_line(f"{found.data}{by}: {_in_words(found.metrics)}")
    last = evaluations[-1]
    if last.baseline is not None:
        known = {
            name: value for name, value in last.baseline.metrics.items() if name in last.metrics
        }
        words = _in_words(known)
        print_line(f"{last.data} baseline, {last.baseline.prediction}: {words}")


def _in_words(metrics: Mapping[str, float]) -> str:
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
