"""The contents of a traced training step: values, losses, gradients, and the update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from declnet import Array, Layer, Loss, Regularizer, RunSpec
from declnet.inspection.tracing.differences import TOLERANCE, Differences


@dataclass(frozen=True, eq=False)
class TracedParameter:
    """A parameter before and after the update.

    Attributes:
        key: `<layer name>.<parameter>`.
        name: the parameter's name in its layer.
        before: its numbers before the step.
        after: its numbers after the update.
        gradient: d(loss)/d(parameter), with the penalty's; None if it is not trained.
        clipped: the gradient that the optimizer got; None if nothing is clipped.
        regularizer: its regularizer, if any.
        penalty: the penalty before the update; 0 without a regularizer.
        penalty_gradient: the penalty's part of the gradient; None without a regularizer.
        state: the optimizer's arrays for it by name, each before and after the update.
        check: its gradient's central differences, if they were computed.
    """

    key: str
    name: str
    before: Array
    after: Array
    gradient: Array | None = None
    clipped: Array | None = None
    regularizer: Regularizer | None = None
    penalty: float = 0.0
    penalty_gradient: Array | None = None
    state: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    check: Differences | None = None


@dataclass(frozen=True, eq=False)
class TracedLayer:
    """A layer in both directions.

    Attributes:
        name: its name in the model.
        layer: the component.
        inputs: the names of what it reads; `input` or `input.NAME` is an input of the model.
        x: what it reads, an array for each input.
        y: its output, (n, *output shape).
        dy: d(loss)/dy; None if nothing before it is trained.
        parameters: its parameters.
        check: the central differences of dy, if they were computed.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    x: tuple[Array, ...]
    y: Array
    dy: Array | None
    parameters: tuple[TracedParameter, ...]
    check: Differences | None = None


@dataclass(frozen=True, eq=False)
class TracedLoss:
    """A loss with what it compares.

    Attributes:
        loss: the component.
        name: its name in `[losses]`; `""` for a single one.
        label: what the history calls it, e.g. `price_loss`.
        weight: how much it counts in the sum of the losses.
        output: the name of the layer whose output it takes.
        y_pred: that output, (n, *output shape).
        y_true: the targets as prepared by the loss.
        losses: the data loss of each sample, (n,).
        mean: the mean of the losses, by weight of the samples.
    """

    loss: Loss
    name: str
    label: str
    weight: float
    output: str
    y_pred: Array
    y_true: Array
    losses: Array
    mean: float


@dataclass(frozen=True, eq=False)
class Trace:
    """A training step on a few samples, computed by the components without kernels.

    Attributes:
        spec: the spec of the training.
        origin: where the parameters come from, as a sentence.
        epoch: the epoch of the batch, from 0.
        batch: the batch in its epoch, from 0.
        step: the number of the update, from 1.
        steps: the number of updates in the whole training.
        positions: the positions of the samples in the training data, from 0, (n,).
        batch_size: the number of samples in the batch, of which these are the first.
        dtype: the type of the computation; always float64 if gradients are verified.
        x: the samples of each input by name, (n, *input shape).
        layers: the layers in the model's order.
        losses: the losses.
        weights: the sample weights, (n,); None if all are equal.
        rate: the learning rate of the update.
    """

    spec: RunSpec
    origin: str
    epoch: int
    batch: int
    step: int
    steps: int
    positions: Array
    batch_size: int
    dtype: str
    x: Mapping[str, Array]
    layers: tuple[TracedLayer, ...]
    losses: tuple[TracedLoss, ...]
    weights: Array | None
    rate: float

    @property
    def data_loss(self) -> float:
        """The weighted sum of the losses' means."""
        return sum(loss.weight * loss.mean for loss in self.losses)

    @property
    def parameters(self) -> tuple[TracedParameter, ...]:
        """All parameters, in the model's order."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @property
    def penalty(self) -> float:
        """The sum of all penalties."""
        return sum(parameter.penalty for parameter in self.parameters)

    @property
    def loss(self) -> float:
        """The mean data loss plus the penalties, whose gradients are traced."""
        return self.data_loss + self.penalty

    @property
    def checks(self) -> tuple[Differences, ...]:
        """All comparisons with central differences, in the order of the backward pass."""
        checks = []
        for layer in reversed(self.layers):
            checks += [layer.check, *(parameter.check for parameter in layer.parameters)]
        return tuple(check for check in checks if check is not None)


def suspects(result: Trace) -> tuple[str, ...]:
    """Return whose backward pass is wrong, e.g. `dense_1 (dense)`; empty if all checks passed.

    A wrong gradient of a value is passed on to everything before it. So a layer is suspected only
    if the gradient of its own output is right, and that of one of its inputs or parameters wrong.
    """
    wrong = {check.name for check in result.checks if not check.passed}
    named: dict[str, None] = {}
    for layer in reversed(result.layers):
        errors = [
            (parameter, parameter.check.errors)
            for parameter in layer.parameters
            if parameter.check is not None
        ]
        is_wrong = any(not of_data <= TOLERANCE for _, (of_data, *_) in errors)
        if layer.name not in wrong and (is_wrong or wrong.intersection(layer.inputs)):
            named[f"{layer.name} ({layer.layer.type})"] = None
        for parameter, (*_, of_penalty) in errors:
            if parameter.regularizer is not None and not of_penalty <= TOLERANCE:
                name = f"the regularizer of {parameter.key} ({parameter.regularizer.type})"
                named[name] = None
    inputs = {name for layer in result.layers for name in layer.inputs}
    for loss in result.losses:
        if loss.output in wrong and (loss.output not in inputs or not named):
            title = f"the loss {loss.name}" if loss.name else "the loss"
            named[f"{title} ({loss.loss.type})"] = None
    return tuple(named)
