"""Training steps that are observed: the calls of a step, with an observer called between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from operator import mul
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import Batch, unwrapped
from declnet.contracts.runs.observer import StepObserver
from declnet.graph.arrays import BatchArrays, Workspaces, batch_view
from declnet.graph.model import Model
from declnet.graph.parameters import Slot, layer_state, view
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import Node


@dataclass(frozen=True, eq=False)
class BoundChain:
    """Consecutive layers bound to their arrays, by one kernel or layer by layer.

    Attributes:
        nodes: the layers.
        forward: the calls of the forward pass; at the end of the model, with the loss.
        backward: the calls of the backward pass.
    """

    nodes: Sequence[Node]
    forward: Sequence[Call]
    backward: Sequence[Call]


@dataclass(frozen=True, eq=False)
class BoundHead:
    """A loss bound to its arrays.

    Attributes:
        name: its name among several losses; `""` for a single one.
        weight: its weight among the losses.
        y_pred: the output that it takes, (n, *output shape).
        y_true: prepared targets.
        losses: the data loss of each sample, (n,).
        chain: the layers computed with the loss, possibly none; its forward calls compute
            the loss in both directions.
    """

    name: str
    weight: float
    y_pred: Array
    y_true: Array
    losses: Array
    chain: BoundChain


@dataclass(frozen=True, eq=False)
class BoundStep:
    """The calls of a training step on one batch, with the arrays that they read and fill.

    Attributes:
        x: the inputs, (n, *input shape) each.
        samples: the number of samples, n.
        weights: the sample weights, (n,), in the model's type; None if all are equal.
        normalized: the same as shares of their sum, filled by a call.
        before: calls before the forward pass.
        chains: the layers before the losses.
        heads: the losses.
        after: calls after the backward pass: regularizers.
    """

    batch: BatchArrays
    x: Batch
    samples: int
    weights: Array | None
    normalized: Array | None
    before: Sequence[Call]
    chains: Sequence[BoundChain]
    heads: Sequence[BoundHead]
    after: Sequence[Call]

    @cached_property
    def losses(self) -> tuple[Array, ...]:
        """The data loss of each sample, of each loss."""
        return tuple(head.losses for head in self.heads)

    @cached_property
    def y_preds(self) -> tuple[Array, ...]:
        """The output that each loss takes."""
        return tuple(head.y_pred for head in self.heads)

    @cached_property
    def _loss_weights(self) -> tuple[float, ...]:
        return tuple(head.weight for head in self.heads)

    def means(self) -> list[float]:
        """Return the mean of each loss in the last execution, weighted by the samples' weights."""
        return [self._mean(losses) for losses in self.losses]

    def loss(self) -> float:
        """Return the sum of the losses' means in the last execution, each weighted as its loss."""
        total = 0.0
        for weight, losses in zip(self._loss_weights, self.losses, strict=True):
            total += weight * self._mean(losses)
        return total

    def _mean(self, losses: Array) -> float:
        if self.normalized is None:
            return float(np.add.reduce(losses)) / self.samples
        return float(losses @ self.normalized)

    def total(self, means: Iterable[Any]) -> Any:
        """Return the sum of the losses' means, numbers or arrays, each weighted as its loss."""
        return sum(map(mul, self._loss_weights, means))

    def results(self) -> tuple[Array, ...]:
        """Return the arrays of which the metrics of the last execution are computed."""
        weights = () if self.weights is None else (self.weights, self.normalized)
        return (*self.losses, *self.y_preds, *(weight for weight in weights if weight is not None))

    def weight(self) -> float:
        """Return the weight of the batch: the sum of its weights, or its number of samples."""
        return float(self.samples if self.weights is None else np.add.reduce(self.weights))

    def forward(self) -> Sequence[Call]:
        """Return the calls of the forward pass up to the loss."""
        return [call for chain in self.chains for call in chain.forward]

    def backward(self) -> Sequence[Call]:
        """Return the calls of the backward pass after the loss, regularizers included."""
        layers = [call for chain in reversed(self.chains) for call in chain.backward]
        return [*layers, *self.after]


class ObservedStep:
    """A training step that tells an observer what it computes, with the same results as any other.

    Args:
        bound: the step.
        gradient: the flat gradient of the model.
        slots: the parameters that the step trains.
        schedules: the layers' scheduled fields.
    """

    def __init__(
        self,
        model: Model,
        bound: BoundStep,
        gradient: Array,
        slots: Sequence[Slot],
        schedules: ScheduledValues,
    ) -> None:
        self.bound, self._vector, self._schedules = bound, model.store.vector, schedules
        hidden = hidden_outputs(model, bound)
        self._forward: list[tuple[Sequence[Call], Node | None, Array]] = []
        nothing = np.empty(0)
        for chain in (*bound.chains, *(head.chain for head in bound.heads)):
            for node in chain.nodes:
                if node.index in hidden:
                    y, calls = hidden[node.index]
                    self._forward.append((calls, node, read_only(y)))
            last = chain.nodes[-1] if chain.nodes else None
            y = bound.batch.output(last) if last is not None else nothing
            self._forward.append((chain.forward, last, read_only(y)))
        self._backward: list[tuple[Sequence[Call], Node, Array | None]] = []
        for chain in reversed(bound.chains):
            dy = bound.batch.gradient(chain.nodes[-1].index + 1)
            given = None if dy is None else read_only(dy)
            self._backward.append((chain.backward, chain.nodes[-1], given))
        self._x = unwrapped({name: read_only(array) for name, array in bound.x.items()})
        self._heads = [
            (read_only(head.y_pred), head.y_true, read_only(head.losses), head.name)
            for head in bound.heads
        ]
        self._parameters = {key: read_only(each) for key, each in model.store.arrays.items()}
        self._gradients = {slot.key: read_only(view(gradient, slot)) for slot in slots}
        self._saved = np.empty_like(self._vector)
        self._before = {slot.key: read_only(view(self._saved, slot)) for slot in slots}
        self._after = {key: self._parameters[key] for key in self._before}

    def run(self, observer: StepObserver, epoch: int, step: int) -> None:
        """Execute the step up to its gradients."""
        bound = self.bound
        self._schedules.begin(step)
        observer.begin(epoch, step, self._x)
        _execute(bound.before)
        for calls, node, y in self._forward:
            _execute(calls)
            if node is not None:
                observer.forward(node.name, node.layer, y)
        for head in self._heads:
            observer.losses(*head)
        for calls, node, dy in self._backward:
            if dy is not None:
                observer.backward(node.name, node.layer, dy)
            _execute(calls)
        _execute(bound.after)
        observer.gradients(self._parameters, self._gradients)
        np.copyto(self._saved, self._vector)

    def updated(self, observer: StepObserver, rate: float) -> None:
        """Report the update that followed `run`."""
        observer.updated(self._before, self._after, rate)


def hidden_outputs(model: Model, bound: BoundStep) -> dict[int, tuple[Array, Sequence[Call]]]:
    """Return outputs that exist only within kernels, with the calls that fill them, by layer.

    Each is computed by the layer, from the chain's input or the output before it, in memory of its
    own. A layer whose forward changes its parameters (running statistics) is left out, with those
    that follow it in the chain.
    """
    batch, n = bound.batch, bound.samples
    ends = [head.chain for head in bound.heads]
    chains = [each for each in (*bound.chains, *ends) if len(each.nodes) > 1]
    if not chains:
        return {}
    workspaces = Workspaces(batch.nodes, n, model.dtype, batch.plan.orders[1:])
    rng = np.random.Generator(np.random.PCG64(0))
    found: dict[int, tuple[Array, Sequence[Call]]] = {}
    for chain in chains:
        x, copies = batch.inputs(chain.nodes[0]), batch.copies(chain.nodes[0])
        for node in chain.nodes[:-1]:
            if not all(parameter.trainable for parameter in node.parameters.values()):
                break
            views, now = workspaces.views(node, n), batch.states[node.index].now
            state = layer_state(node, model.store, views, rng, now=now)
            state.training = True
            order = batch.plan.orders[node.index + 1]
            block = np.empty(n * prod(node.output_shape), model.dtype)
            y = batch_view(block, node.output_shape, n, order)
            found[node.index] = y, [*copies, partial(node.layer.forward, x, y, state)]
            x, copies = y, []
    return found


def _execute(calls: Sequence[Call]) -> None:
    for call in calls:
        call()
