"""Final figures of runs: how they are called, which comes first, which is better, how shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from declnet.report.log_line import LOSSES

Figures = Mapping[str, Mapping[str, float | None]]
"""Figures by data set and name, as in `metrics.json`."""

FOR_CHOICE = ("validation", "test", "train")
"""Which data set tells best how good a model is, if nobody names one."""

PARTS = ("data_loss", "regularization_loss")
"""Of the loss, which say nothing more than the loss of a model that is not regularized."""

DATA_SETS = ("train", "validation", "test")


def ordered(
    figures: Iterable[tuple[str, str]], data_sets: Sequence[str] = DATA_SETS
) -> list[tuple[str, str]]:
    """Figures, each a data set and a name, as tables have them: by data set, metrics first."""
    found = list(dict.fromkeys(figures))

    def place(figure: tuple[str, str]) -> tuple[int, int, int]:
        data, name = figure
        of_data = data_sets.index(data) if data in data_sets else len(data_sets)
        of_name = LOSSES.index(name) + 1 if name in LOSSES else 0
        return of_data, of_name, found.index(figure)

    return sorted(found, key=place)


def telling(all_metrics: Iterable[Figures]) -> list[tuple[str, str]]:
    """The figures of some runs, each once; the loss's parts only if a model is regularized."""
    found: dict[tuple[str, str], None] = {}
    regularized = False
    for metrics in all_metrics:
        for data, values in metrics.items():
            found.update(dict.fromkeys((data, name) for name in values))
            regularized = regularized or bool(values.get("regularization_loss"))
    return [each for each in found if regularized or each[1] not in PARTS]


def chosen(wanted: str, known: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The figure that a word names: `test.accuracy`, or `accuracy` of the first of `FOR_CHOICE`."""
    figures = set(known)
    data, _, name = wanted.partition(".")
    if (data, name) in figures:
        return data, name
    return next(((each, wanted) for each in FOR_CHOICE if (each, wanted) in figures), None)


def main_figure(known: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The figure by which runs are compared if nobody names one: the first metric, or the loss."""
    figures = list(known)
    for data in FOR_CHOICE:
        names = [name for each, name in figures if each == data]
        metrics = [name for name in names if name not in LOSSES]
        if names:
            return data, (metrics or names)[0]
    return None


def metric_types(spec: Mapping[str, Any]) -> dict[str, str]:
    """The type of each metric of a resolved spec by what its figure is called."""
    training = spec.get("training")
    metrics = training.get("metrics") if isinstance(training, Mapping) else None
    found = {}
    for each in metrics if isinstance(metrics, list) else []:
        table = each if isinstance(each, Mapping) else {"type": each}
        found[str(table.get("name") or table.get("type"))] = str(table.get("type"))
    return found


def metric_type(name: str, specs: Iterable[Mapping[str, Any]]) -> str:
    """The type of the metric with that figure in the first spec that has it; else the name."""
    return next((types[name] for types in map(metric_types, specs) if name in types), name)


def smaller_is_better(name: str) -> bool:
    """Whether a figure is good if it is small: losses, errors and seconds are.

    Args:
        name: of a loss, or the type of a metric.
    """
    return any(word in name for word in ("loss", "error", "seconds"))


def goodness(value: float | None, *, small: bool) -> float:
    """A key that sorts the best first, and what is missing or no number last."""
    if value is None or math.isnan(value):
        return math.inf
    return value if small else -value


def shown_figure(value: float | None) -> str:
    """A figure with four significant digits, so that columns line up; `-` for none."""
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:#.4g}".rstrip(".")


def shown_seconds(value: float | None) -> str:
    """Seconds to the hundredth; `-` for none."""
    return "-" if value is None else f"{value:.2f}"
