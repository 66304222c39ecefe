"""The output of a check, a run and an evaluation."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any

import numpy as np

from declnet.cli.metrics import abbreviations, format_metric, informative, metrics_in_words, ordered
from declnet.cli.terminal import BLOCKS, is_terminal, print_table, shown_bytes, sparkline
from declnet.contracts.arrays import Array, Shape
from declnet.contracts.metric import Metric
from declnet.contracts.table import Table, column_type, missing_values
from declnet.graph.shapes import Node
from declnet.runs.evaluation import Evaluation
from declnet.runs.session import RunResult


def print_layers(nodes: Sequence[Node], input_shape: Shape) -> None:
    """Print a row per layer: name, type, output shape (n samples first), parameters."""
    rows = [("input", "", _with_batch(input_shape), "")]
    rows += [
        (node.name, node.layer.type, _with_batch(node.output_shape), f"{node.parameter_count:,}")
        for node in nodes
    ]
    total = sum(node.parameter_count for node in nodes)
    rows.append(("total", "", "", f"{total:,}"))
    columns = ("layer", "type", "output", "parameters")
    print_table(columns, rows, numeric=frozenset({"parameters"}))


def print_memory(memory: Mapping[str, int]) -> None:
    """Print a row for each use of memory, and the total."""
    rows = [(purpose, shown_bytes(size)) for purpose, size in memory.items()]
    rows.append(("total", shown_bytes(sum(memory.values()))))
    print_table(("memory of a run", "size"), rows, numeric=frozenset({"size"}))


def _with_batch(shape: Shape) -> str:
    return "(" + ", ".join(["n", *map(str, shape)]) + ")"


MOST = 60
"""Maximum number of columns printed."""


def print_columns(records: Table, no_features: Iterable[str] = ()) -> None:
    """Print a row per column: name, type, role, share of missing values, distinct values.

    Args:
        records: the training data as loaded.
        no_features: columns that the spec uses for something other than features.
    """
    features = set(records.feature_columns) - set(no_features)
    names = list(records.columns)
    rows = [_row(name, records, features, set(no_features)) for name in names[:MOST]]
    if len(names) > MOST:
        rows.append((f"… and {len(names) - MOST:,} more", "", "", "", ""))
    print_table(
        ("column", "type", "serves as", "missing", "distinct"),
        rows,
        numeric=frozenset({"missing", "distinct"}),
    )


def _row(
    name: str, records: Table, features: set[str], others: set[str]
) -> tuple[str, str, str, str, str]:
    column = records.columns[name]
    gaps = missing_values(column)
    role = "target" if name == records.target else "feature" if name in features else ""
    if name in others:
        role = "split or weight"
    count = int(np.count_nonzero(gaps))
    return (name, column_type(column), role, f"{count:,}", f"{_distinct(column[~gaps]):,}")


def _distinct(there: Array) -> int:
    return len(set(there.tolist())) if there.dtype.kind == "O" else len(np.unique(there))


MOST_CLASSES = 20
"""Classes of the largest confusion matrix printed; beyond that, the worst pairs are listed."""
MOST_PAIRS = 15


def print_evaluation(found: Evaluation) -> None:
    """Print the metrics, and the scores by class and the confusion matrix, if any."""
    sys.stdout.write(f"{found.data}: {found.samples} samples\n")
    names = [name for _, name in ordered(informative([{"": found.metrics}]))]
    rows = [(name, format_metric(found.metrics[name])) for name in names]
    for name, value in (found.errors or {}).items():
        if name not in found.metrics:
            rows.append((name, format_metric(value)))
    print_table(("figure", "value"), rows, numeric=frozenset({"value"}))
    _print_by_class(found)
    if found.counts is not None and found.class_names is not None:
        _print_confusion(found.counts, found.class_names)


def _print_by_class(found: Evaluation) -> None:
    rows = [
        (
            each["class"],
            *(f"{each[name]:.3f}" for name in ("precision", "recall", "f1")),
            str(each["support"]),
        )
        for each in found.by_class()
    ]
    if rows:
        columns = ("class", "precision", "recall", "f1", "support")
        print_table(columns, rows, numeric=frozenset(columns[1:]))


def _print_confusion(counts: Array, names: tuple[str, ...]) -> None:
    if len(names) > MOST_CLASSES:
        wrong = [
            (int(counts[true, predicted]), names[true], names[predicted])
            for true in range(len(names))
            for predicted in range(len(names))
            if true != predicted and counts[true, predicted]
        ]
        wrong.sort(key=lambda each: -each[0])
        pairs = [(true, predicted, str(count)) for count, true, predicted in wrong[:MOST_PAIRS]]
        columns: tuple[str, ...] = ("true class", "predicted as", "samples")
        print_table("Most often confused", columns, pairs, numeric=frozenset({"samples"}))
        return
    heads = tuple(f"as {name}" for name in names)
    rows = [(name, *map(str, row)) for name, row in zip(names, counts.tolist(), strict=True)]
    diagonal = [(index, index + 1) for index in range(len(names))]
    columns = ("true class", *heads)
    print_table("Confusion matrix", columns, rows, frozenset(heads), bold=diagonal)


WIDTH = 60
"""Maximum width of a curve, in characters."""
NARROWEST = 12
"""Minimum width of a curve, in characters, with room for its numbers."""


def print_result(
    result: RunResult, metrics: Sequence[Metric], *, quiet: bool = False, plain: bool = False
) -> None:
    """Print the final metrics: a line per data set, or curves and a table on a terminal.

    Args:
        result: the result of the finished run.
        metrics: the metrics of its spec.
        quiet: whether to omit the curves.
        plain: whether to print lines even on a terminal.
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
    """Print the losses over the logged epochs, if there are enough for a curve."""
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
    """Print a row for each metric and a column for each data set."""
    columns = list(metrics)
    names = dict.fromkeys(name for _, name in ordered(informative([metrics])))
    rows = [(name, *(format_metric(metrics[data].get(name)) for data in columns)) for name in names]
    print_table(("", *columns), rows, numeric=frozenset(columns))


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
