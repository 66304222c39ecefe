"""An evaluation as tables."""

from __future__ import annotations

import sys

from declnet.components.arrays import Array
from declnet.report.metrics import format_metric, informative, ordered
from declnet.report.terminal import print_table
from declnet.runs.evaluation import Evaluation

MOST_CLASSES = 20
"""Classes of the largest confusion matrix that is printed; of more, the worst pairs are listed."""
MOST_PAIRS = 15


def print_evaluation(found: Evaluation) -> None:
    """Print the metrics, and the scores by class and the confusion matrix if there are some."""
    sys.stdout.write(f"{found.data}: {found.samples} samples\n")
    names = [name for _, name in ordered(informative([{"": found.metrics}]))]
    rows = [(name, format_metric(found.metrics[name])) for name in names]
    for name, value in (found.errors or {}).items():
        if name not in found.metrics:
            rows.append((name, format_metric(value)))
    print_table(None, ("figure", "value"), rows, numeric=frozenset({"value"}))
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
        print_table(None, columns, rows, numeric=frozenset(columns[1:]))


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
