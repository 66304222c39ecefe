"""Metrics for display: short names, order in tables, and the log line of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from declnet.contracts.network.directions import LOSSES
from declnet.display.tables import format_number
from declnet.runs.ranking import DATA_SETS

if TYPE_CHECKING:
    from declnet.contracts.runs.callback import EpochLogged
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


def live_metrics(event: EpochLogged, shorter: Abbreviations, room: int | None = None) -> str:
    """Return the first metric and the loss, with the validation values in parentheses.

    `acc 0.556 (validation 0.541), loss 0.952 (0.964)`

    Args:
        event: the epoch.
        shorter: the abbreviations of metrics.
        room: columns, in which the loss is left out if both do not fit; None for any number.
    """
    first = next((name for name in event.metrics if name not in LOSSES), None)
    texts: list[str] = []
    for name in (first, "loss") if first is not None else ("loss",):
        text = f"{shorter.get(name, name)} {format_number(event.metrics[name])}"
        if name in event.validation:
            what = "" if texts else "validation "
            text += f" ({what}{format_number(event.validation[name])})"
        texts.append(text)
    both = ", ".join(texts)
    return both if room is None or len(both) <= room else texts[0]


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


def ordered(
    metrics: Iterable[tuple[str, str]], data_sets: Sequence[str] = DATA_SETS
) -> list[tuple[str, str]]:
    """Return metrics in the order of tables: by data set, losses last."""
    unique = list(dict.fromkeys(metrics))

    def place(metric: tuple[str, str]) -> tuple[int, int, int]:
        data, name = metric
        of_data = data_sets.index(data) if data in data_sets else len(data_sets)
        of_name = LOSSES.index(name) + 1 if name in LOSSES else 0
        return of_data, of_name, unique.index(metric)

    return sorted(unique, key=place)
