"""The line that a logged epoch prints."""

from __future__ import annotations

from collections.abc import Mapping

from declnet.components.callback import EpochLogged

LOSSES = ("loss", "data_loss", "regularization_loss")
"""The figures that are no metrics: the loss and its parts."""

_SHORT = {"accuracy": "acc"}


def log_line(event: EpochLogged) -> str:
    """One line, as in Neural Networks from Scratch.

    `epoch: 100, acc: 0.556, loss: 0.952 (data_loss: 0.932, reg_loss: 0.020), lr: 0.0199990`

    Figures of the validation data, if there are any, follow after ` | validation, `.
    """
    line = f"epoch: {event.epoch}, {figures(event.metrics)}, lr: {_rate(event.learning_rate)}"
    if event.validation:
        line += f" | validation, {figures(event.validation)}"
    return line


def live_figures(event: EpochLogged) -> str:
    """The loss and the first metric, those of the validation data in brackets; as short as can be.

    `loss 0.952 (validation 0.964), acc 0.556 (0.541)`
    """
    validation = event.validation
    loss = f"loss {_figure(event.metrics['loss'])}"
    if validation:
        loss += f" (validation {_figure(validation['loss'])})"
    metric = next((name for name in event.metrics if name not in LOSSES), None)
    if metric is None:
        return loss
    shown = f"{_SHORT.get(metric, metric)} {_figure(event.metrics[metric])}"
    if metric in validation:
        shown += f" ({_figure(validation[metric])})"
    return f"{loss}, {shown}"


def figures(values: Mapping[str, float]) -> str:
    """Metrics and losses in words, e.g. `acc: 0.556, loss: 0.952 (data_loss: …, reg_loss: …)`."""
    metrics = [
        f"{_SHORT.get(name, name)}: {_figure(value)}"
        for name, value in values.items()
        if name not in LOSSES
    ]
    loss = (
        f"loss: {_figure(values['loss'])} (data_loss: {_figure(values['data_loss'])}, "
        f"reg_loss: {_figure(values['regularization_loss'])})"
    )
    return ", ".join([*metrics, loss])


def _figure(value: float) -> str:
    """Three places, or three digits where these would all be 0."""
    return f"{value:.2e}" if 0 < abs(value) < 0.001 else f"{value:.3f}"


def _rate(rate: float) -> str:
    return f"{rate:.7f}" if rate >= 1e-4 or rate == 0 else f"{rate:.4e}"
