"""Metrics for display: names, order, better direction, and the log line of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from declnet.contracts.network.metric_names import LOSSES, Better
from declnet.display.tables import format_number

if TYPE_CHECKING:
    from declnet.contracts.runs.callback import EpochLogged
    from declnet.runs.comparison import Directions
    from declnet.spec.heads import Head

Abbreviations = Mapping[str, str]
"""Short names of metrics in log lines, by full name."""


def abbreviations(heads: Iterable[Head]) -> dict[str, str]:
    """Return the declared short names of metrics; a name set in the spec takes precedence."""
    return {
        head.label(metric.label): head.label(metric.abbreviation)
        for head in heads
        for metric in head.metrics.values()
        if metric.name is None and metric.abbreviation is not None
    }


def log_line(event: EpochLogged, shorter: Abbreviations) -> str:
    """Return the log line of an epoch, as in Neural Networks from Scratch.

    `epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990`

    Validation metrics, if any, follow after ` | validation, `.
    """
    training, rate = metrics_in_words(event.metrics, shorter), _rate(event.learning_rate)
    line = f"epoch: {event.epoch}, {training}, lr: {rate}"
    if event.validation:
        line += f" | validation, {metrics_in_words(event.validation, shorter)}"
    return line


def live_metrics(event: EpochLogged, shorter: Abbreviations) -> str:
    """Return the loss and the first metric, with the validation values in parentheses.

    `loss 0.952 (validation 0.964), acc 0.556 (0.541)`
    """
    validation = event.validation
    loss = f"loss {format_number(event.metrics['loss'])}"
    if validation:
        loss += f" (validation {format_number(validation['loss'])})"
    metric = next((name for name in event.metrics if name not in LOSSES), None)
    if metric is None:
        return loss
    shown = f"{shorter.get(metric, metric)} {format_number(event.metrics[metric])}"
    if metric in validation:
        shown += f" ({format_number(validation[metric])})"
    return f"{loss}, {shown}"


def metrics_in_words(values: Mapping[str, float], shorter: Abbreviations) -> str:
    """Return the metrics, then losses: `acc: 0.556, loss: 0.952 (data_loss: …, reg_loss: …)`.

    Without a penalty, the loss has no parts: `loss: 0.932`.
    """
    metrics = [
        f"{shorter.get(name, name)}: {format_number(value)}"
        for name, value in values.items()
        if name not in LOSSES
    ]
    loss, penalty = f"loss: {format_number(values['loss'])}", values["regularization_loss"]
    if penalty:
        data_loss = format_number(values["data_loss"])
        loss += f" (data_loss: {data_loss}, reg_loss: {format_number(penalty)})"
    return ", ".join([*metrics, loss])


def _rate(rate: float) -> str:
    return f"{rate:.7f}" if rate >= 1e-4 or rate == 0 else f"{rate:.4e}"


MetricValues = Mapping[str, Mapping[str, float | None]]
"""Values by data set and name, as in `metrics.json`."""

FOR_CHOICE = ("validation", "test", "train")
"""Data sets to judge a model by if none is named, most meaningful first."""

PARTS = ("data_loss", "regularization_loss")
"""Parts of the loss, redundant for a model without regularization."""

DATA_SETS = ("train", "validation", "test")


def ordered(
    metrics: Iterable[tuple[str, str]], data_sets: Sequence[str] = DATA_SETS
) -> list[tuple[str, str]]:
    """Return metrics in the order of tables: by data set, losses last."""
    found = list(dict.fromkeys(metrics))

    def place(metric: tuple[str, str]) -> tuple[int, int, int]:
        data, name = metric
        of_data = data_sets.index(data) if data in data_sets else len(data_sets)
        of_name = LOSSES.index(name) + 1 if name in LOSSES else 0
        return of_data, of_name, found.index(metric)

    return sorted(found, key=place)


def informative(all_values: Iterable[MetricValues]) -> list[tuple[str, str]]:
    """Return the metrics of several runs; the loss's parts only if a model is regularized."""
    found: dict[tuple[str, str], None] = {}
    regularized = False
    for by_data in all_values:
        for data, values in by_data.items():
            found |= dict.fromkeys((data, name) for name in values)
            regularized |= bool(values.get("regularization_loss"))
    return [each for each in found if regularized or each[1] not in PARTS]


def find_metric(wanted: str, known: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the metric for `test.accuracy`, or for `accuracy` in the first of `FOR_CHOICE`."""
    metrics = set(known)
    data, _, name = wanted.partition(".")
    if (data, name) in metrics:
        return data, name
    return next(((each, wanted) for each in FOR_CHOICE if (each, wanted) in metrics), None)


def main_metric(known: Iterable[tuple[str, str]], directions: Directions) -> tuple[str, str] | None:
    """Return the metric to compare runs by: the first with a known direction, or the loss."""
    metrics = list(known)
    for data in FOR_CHOICE:
        names = [name for each, name in metrics if each == data]
        directed = [name for name in names if name not in LOSSES and directions.get(name)]
        if names:
            return data, (directed or [name for name in names if name in LOSSES] or names)[0]
    return None


def sort_key(value: float | None, first: Better) -> float:
    """Return a sort key that puts the lowest or highest value first, and None and NaN last."""
    if value is None or math.isnan(value):
        return math.inf
    return value if first == "lower" else -value


def order_of(name: str, directions: Directions, ascending: bool | None) -> Better:
    """Return whether lower or higher values come first; the better ones if `ascending` is None.

    Raises:
        ValueError: the best values were requested, but the better direction is unknown.
    """
    if ascending is not None:
        return "lower" if ascending else "higher"
    better = directions.get(name)
    if better is None:
        raise ValueError(
            f'nothing says whether higher or lower values of "{name}" are better; '
            "add --ascending or --descending"
        )
    return better
