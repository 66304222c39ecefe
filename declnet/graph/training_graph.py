"""The graph of a training step: forward, loss and backward as flat lists of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, read_only
from declnet.contracts.kernel import Call, KernelSite
from declnet.contracts.loss import Loss
from declnet.graph.arrays import BatchArrays, GraphMemory
from declnet.graph.gradients import GradientArrays
from declnet.graph.inference import Given
from declnet.graph.kernels import (
    Kernels,
    backward_calls,
    chain_calls,
    chains_of,
    ending_of,
    forward_calls,
    kernel_calls,
)
from declnet.graph.memory_plan import plan_memory
from declnet.graph.model import Model
from declnet.graph.observation import BoundChain, BoundStep, ObservedStep
from declnet.graph.parameters import Slot, view
from declnet.graph.schedules import ScheduledValues
from declnet.graph.shapes import frozen_nodes
from declnet.spec.streams import Stream, random_stream


@dataclass(frozen=True, eq=False)
class Step:
    """The calls of one training step on n samples, and the arrays that they fill.

    Attributes:
        calls: forward, loss, backward and regularizers' gradients, in order.
        y_pred: predictions, (n, *output shape), valid until the next step.
        losses: the data loss of each sample, (n,).
    """

    calls: tuple[Call, ...]
    y_pred: Array
    losses: Array

    def run(self) -> float:
        """Execute the calls; return the mean data loss."""
        for call in self.calls:
            call()
        return float(np.add.reduce(self.losses)) / len(self.losses)

    def weight(self) -> float:
        """The weight of the batch: its number of samples."""
        return float(len(self.losses))


@dataclass(frozen=True, eq=False)
class WeightedStep(Step):
    """A step with sample weights.

    Attributes:
        weights: the weights of the batch's samples, (n,), in the model's type.
        normalized_weights: w / sum(w), (n,); filled by a call.
    """

    weights: Array
    normalized_weights: Array

    def run(self) -> float:
        """Execute the calls; return the mean data loss, sum(w * losses) / sum(w)."""
        for call in self.calls:
            call()
        return float(self.losses @ self.normalized_weights)

    def weight(self) -> float:
        """The weight of the batch: the sum of its sample weights."""
        return float(np.add.reduce(self.weights))


def fill_weights(weights: Array, normalized: Array) -> None:
    """Divide weights by their sum; all become 0 if the sum is 0."""
    total = np.add.reduce(weights)
    np.divide(weights, total if total > 0 else 1, out=normalized)


class TrainingGraph:
    """A model compiled for training with a loss, for batches of up to `capacity` samples.

    Attributes:
        penalty: returns the regularization loss of the current parameters.
        gradient: the gradient of all parameters, flat like `model.store.vector`; that of parameters
            that are frozen in the epoch is not computed.
        begin: sets the layers' scheduled fields for a step, counted from 1; to be called before
            the step's calls. None if no layer has a schedule.

    Args:
        kernels: kernels that may replace components; default: none.
        total: number of updates in the whole training, for schedules.
        epoch: the epoch, which decides on frozen layers; None is after all others.
        before: the graph of an earlier epoch, whose random streams and gradient to go on with.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        capacity: int,
        seed: int,
        kernels: Kernels | None = None,
        total: int = 1,
        epoch: int | None = None,
        before: TrainingGraph | None = None,
    ) -> None:
        self._model = model
        self._loss = loss
        self._kernels = kernels or Kernels()
        self._ending = ending_of(model.nodes, loss, self._kernels)
        fused = len(self._ending.nodes)
        self._chains = chains_of(model.nodes, len(model.nodes) - fused, self._kernels)
        joined = [[node.index for node in chain.nodes] for chain in self._chains]
        frozen = frozen_nodes(model.nodes, epoch)
        plan = plan_memory(model.nodes, training=True, fused=fused, joined=joined, frozen=frozen)
        self._losses = np.empty(capacity, model.dtype)
        if before is None:
            self._rngs = [random_stream(seed, Stream.LAYER, node.index) for node in model.nodes]
            self.gradient = np.zeros_like(model.store.vector)
        else:
            self._rngs, self.gradient = before._rngs, before.gradient
        self.penalty = model.store.penalty
        self._epoch = epoch
        self._trained = [slot for slot in model.store.slots if slot.is_trained(epoch)]
        joined.append([node.index for node in self._ending.nodes])
        gradients = GradientArrays.of(model.nodes, model.store, self.gradient, frozen, joined)
        schedules = ScheduledValues(total)
        arrays = model.store, capacity, model.dtype, self._rngs, gradients, frozen, schedules
        self._memory = GraphMemory(model.nodes, plan, *arrays)
        self.begin = schedules.begin if schedules else None

    def streams(self) -> list[np.random.Generator]:
        """Each layer's own random stream, in the model's order."""
        return list(self._rngs)

    def step(self, x: Given, y_true: Array, weights: Array | None = None) -> Step:
        """Bind the calls of a step to a batch's arrays.

        Args:
            x: (n, *input shape), n at most the capacity, or several inputs by name; the calls read
                its current contents.
            y_true: as prepared by the loss.
            weights: (n,), the sample weights; None if all are equal.
        """
        bound = self._bind(x, y_true, weights)
        calls = (*bound.before, *bound.forward(), *bound.ending.forward, *bound.backward())
        if weights is not None and bound.normalized is not None:
            return WeightedStep(calls, bound.y_pred, bound.losses, weights, bound.normalized)
        return Step(calls, bound.y_pred, bound.losses)

    def observed_step(self, x: Given, y_true: Array, weights: Array | None = None) -> ObservedStep:
        """Bind the calls of the same step for an observer; the arguments are those of `step`."""
        bound = self._bind(x, y_true, weights)
        return ObservedStep(self._model, bound, self.gradient, self._trained, self.begin)

    def _bind(self, x: Given, y_true: Array, weights: Array | None) -> BoundStep:
        batch, losses = BatchArrays(self._memory, x), self._losses[: len(y_true)]
        normalized = None if weights is None else np.empty_like(weights)
        before: list[Call] = []
        if weights is not None and normalized is not None:
            before.append(partial(fill_weights, weights, normalized))
        chains = [
            BoundChain(chain.nodes, *chain_calls(chain, batch, self._kernels))
            for chain in self._chains
        ]
        loss_calls = self._loss_calls(batch, y_true, losses, normalized)
        ending = BoundChain(self._ending.nodes, loss_calls, ())
        after = [
            call
            for slot in self._model.store.regularized
            if slot.is_trained(self._epoch)
            for call in self._regularizer_calls(slot)
        ]
        return BoundStep(batch, x, y_true, losses, normalized, before, chains, ending, after)

    def _loss_calls(
        self, batch: BatchArrays, y_true: Array, losses: Array, normalized: Array | None
    ) -> list[Call]:
        """Return the loss and its weighted gradient, with the layers fused with the loss."""
        loss, nodes = self._loss, self._ending.nodes
        y_pred = batch.output(self._model.nodes[-1])
        site = KernelSite(
            (loss,),
            y=y_pred,
            y_true=y_true,
            losses=losses,
            normalized_weights=np.full_like(losses, 1 / len(losses))
            if normalized is None
            else normalized,
            uniform=normalized is None,
        )
        bound = kernel_calls(self._ending, batch, self._kernels, site)
        if bound is not None:
            return [*bound[0], *bound[1]]
        dy = batch.gradient(len(self._model.nodes))
        if nodes and batch.plan.needs_gradient[-1]:
            dy = np.empty_like(y_pred)  # fused layers have none in the plan
        calls = [call for node in nodes for call in forward_calls(node, batch)]
        y_true = read_only(y_true)
        calls.append(partial(loss.forward, y_pred, y_true, losses))
        if dy is not None:
            calls += [partial(loss.backward, y_pred, y_true, dy), site.weigh(dy)]
        for node in reversed(nodes):
            calls += backward_calls(node, batch, dy if node is nodes[-1] else None)
        return calls

    def _regularizer_calls(self, slot: Slot) -> Sequence[Call]:
        regularizer: Any = slot.parameter.regularizer
        w, dw = self._model.store.arrays[slot.key], view(self.gradient, slot)
        bound = self._kernels.bind_single(regularizer, KernelSite((regularizer,), w=w, dw=dw))
        return bound.backward if bound is not None else [partial(regularizer.add_gradient, w, dw)]
