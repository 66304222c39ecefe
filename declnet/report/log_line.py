"""The line that a logged epoch prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from declnet.components.callback import EpochLogged
from declnet.components.metric import Metric
from declnet.training.metrics import LOSSES

Abbreviations = Mapping[str, str]
"""What log lines call metrics that they do not call by their names."""


def abbreviations(metrics: Iterable[Metric]) -> dict[str, str]:
    """Return what log lines call metrics that declare it; a name in the spec comes first."""
    return {
        each.label: each.abbreviation
        for each in metrics
        if each.name is None and each.abbreviation is not None
    }


def log_line(event: EpochLogged, shorter: Abbreviations) -> str:
    """Return one line, as in Neural Networks from Scratch.

    `epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990`

    Metrics of the validation data, if there are any, follow after ` | validation, `.
    """
    training, rate = metrics_in_words(event.metrics, shorter), _rate(event.learning_rate)
    line = f"epoch: {event.epoch}, {training}, lr: {rate}"
    if event.validation:
        line += f" | validation, {metrics_in_words(event.validation, shorter)}"
    return line


def live_metrics(event: EpochLogged, shorter: Abbreviations) -> str:
    """Return the loss and the first metric, those of the validation data in brackets.

    `loss 0.952 (validation 0.964), acc 0.556 (0.541)`
    """
    validation = event.validation
    loss = f"loss {_number(event.metrics['loss'])}"
    if validation:
        loss += f" (validation {_number(validation['loss'])})"
    metric = next((name for name in event.metrics if name not in LOSSES), None)
    if metric is None:
        return loss
    shown = f"{shorter.get(metric, metric)} {_number(event.metrics[metric])}"
    if metric in validation:
        shown += f" ({_number(validation[metric])})"
    return f"{loss}, {shown}"


def metrics_in_words(values: Mapping[str, float], shorter: Abbreviations) -> str:
    """Return metrics, then losses: `acc: 0.556, loss: 0.952 (data_loss: …, reg_loss: …)`."""
    metrics = [
        f"{shorter.get(name, name)}: {_number(value)}"
        for name, value in values.items()
        if name not in LOSSES
    ]
    loss = (
        f"loss: {_number(values['loss'])} (data_loss: {_number(values['data_loss'])}, "
        f"reg_loss: {_number(values['regularization_loss'])})"
    )
    return ", ".join([*metrics, loss])


def _number(value: float) -> str:
    """Three places, or three digits where these would all be 0."""
    return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.3f}"


def _rate(rate: float) -> str:
    return f"{rate:.7f}" if rate >= 1e-4 or rate == 0 else f"{rate:.4e}"
