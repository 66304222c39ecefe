"""A training step on one batch: its calls, part by part, and the arrays that they fill.

No call takes an argument: what differs from step to step, such as the learning rate, is in arrays
of one number. Each batch size has a step of its own. So the loop looks nothing up and allocates
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.execution.engine import CompiledCalls
from declnet.contracts.execution.kernel import Call
from declnet.contracts.network.inputs import Batch
from declnet.graph.arrays import BatchArrays
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
class Step:
    """The calls of a training step on n samples; their arrays are valid until the next step.

    Attributes:
        x: the inputs, (n, *input shape) each.
        samples: the number of samples, n.
        weights: the sample weights, (n,), in the model's type; None if all are equal.
        normalized: the same as shares of their sum, filled by a call.
        before: calls before the forward pass.
        chains: the layers before the losses.
        heads: the losses.
        after: calls after the backward pass: regularizers.
        compiler: compiles the calls if there is an engine.
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
    compiler: Callable[[Sequence[Call]], CompiledCalls]

    @cached_property
    def bound_calls(self) -> tuple[Call, ...]:
        """Forward, losses, backward and regularizers' gradients, in order, before compilation."""
        chains, ends = self.chains, [head.chain for head in self.heads]
        forward = [call for chain in (*chains, *ends) for call in chain.forward]
        backward = [call for chain in reversed(chains) for call in chain.backward]
        return (*self.before, *forward, *backward, *self.after)

    @cached_property
    def compiled(self) -> CompiledCalls:
        """The same calls, compiled by the engine if there is one."""
        return self.compiler(self.bound_calls)

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls to make."""
        return self.compiled.calls

    @cached_property
    def losses(self) -> tuple[Array, ...]:
        """The data loss of each sample, of each loss."""
        return tuple(head.losses for head in self.heads)

    @property
    def y_true(self) -> tuple[Array, ...]:
        """The prepared targets of each loss."""
        return tuple(head.y_true for head in self.heads)

    @cached_property
    def y_preds(self) -> tuple[Array, ...]:
        """The output that each loss takes."""
        return tuple(head.y_pred for head in self.heads)

    @cached_property
    def _loss_weights(self) -> tuple[float, ...]:
        return tuple(head.weight for head in self.heads)

    def run(self) -> float:
        """Execute the calls; return the loss."""
        for call in self.calls:
            call()
        return self.loss()

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

    def recorded_means(self, rows: Sequence[Array]) -> Array | None:
        """Return the mean of each loss in several executions, (losses, executions).

        Args:
            rows: for each loss, that of each sample in each execution, (executions, n).

        Returns:
            The means; None if they need more than the losses.
        """
        if self.weights is not None:
            return None
        sums = [np.add.reduce(losses, axis=1).astype(np.float64) for losses in rows]
        return np.stack(sums) / self.samples

    def weight(self) -> float:
        """Return the weight of the batch: the sum of its weights, or its number of samples."""
        return float(self.samples if self.weights is None else np.add.reduce(self.weights))
