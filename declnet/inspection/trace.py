"""The contents of a traced training step: values, losses, gradients, and the update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import Batch
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.parameter import Regularizer
from declnet.inspection.differences import TOLERANCE, Differences
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec


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
        head: the loss, with its name and weight.
        output: the name of the layer whose output it takes.
        y_pred: that output, (n, *output shape).
        y_true: the targets as prepared by the loss.
        losses: the data loss of each sample, (n,).
        mean: the mean of the losses, by weight of the samples.
    """

    head: Head
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
    x: Batch
    layers: tuple[TracedLayer, ...]
    losses: tuple[TracedLoss, ...]
    weights: Array | None
    rate: float

    @property
    def data_loss(self) -> float:
        """The weighted sum of the losses' means."""
        return sum(loss.head.weight * loss.mean for loss in self.losses)

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
        found = []
        for layer in reversed(self.layers):
            found += [layer.check, *(parameter.check for parameter in layer.parameters)]
        return tuple(each for each in found if each is not None)


def suspects(result: Trace) -> tuple[str, ...]:
    """Return whose backward pass is wrong, e.g. `dense_1 (dense)`; empty if all checks passed.

    A wrong gradient of a value is passed on to everything before it. So a layer is suspected only
    if the gradient of its own output is right, and that of one of its inputs or parameters wrong.
    """
    wrong = {check.name for check in result.checks if not check.passed}
    named: dict[str, None] = {}
    for layer in reversed(result.layers):
        checks = [
            (parameter, parameter.check.errors)
            for parameter in layer.parameters
            if parameter.check is not None
        ]
        own = any(not errors[0] <= TOLERANCE for _, errors in checks)
        if layer.name not in wrong and (own or wrong.intersection(layer.inputs)):
            named[f"{layer.name} ({layer.layer.type})"] = None
        for each, errors in checks:
            if each.regularizer is not None and not errors[-1] <= TOLERANCE:
                named[f"the regularizer of {each.key} ({each.regularizer.type})"] = None
    read = {name for layer in result.layers for name in layer.inputs}
    for each_loss in result.losses:
        if each_loss.output in wrong and (each_loss.output not in read or not named):
            head = each_loss.head
            called = f"the loss {head.name}" if head.name else "the loss"
            named[f"{called} ({head.loss.type})"] = None
    return tuple(named)
