"""The graph of a training step: forward, loss and backward as flat lists of calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.kernel import Call, KernelSite
from declnet.contracts.loss import Loss
from declnet.contracts.parameter import LayerState, Regularizer
from declnet.contracts.returned import checked_penalty
from declnet.graph.arrays import BatchViews, Blocks, Constants, LayerWorkspaces
from declnet.graph.kernels import (
    Kernels,
    backward_calls,
    chain_calls,
    chains_of,
    copies,
    ending_of,
    forward_calls,
    gradient_target,
)
from declnet.graph.memory_plan import plan_memory
from declnet.graph.model import Model
from declnet.graph.parameters import layer_state, view
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
        gradient: the gradient of all trainable parameters, flat like `model.store.vector`.

    Args:
        kernels: kernels that may replace components; default: none.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        capacity: int,
        seed: int,
        kernels: Kernels | None = None,
    ) -> None:
        self._model = model
        self._loss = loss
        self._kernels = kernels or Kernels()
        self._ending = ending_of(model.nodes, loss, self._kernels)
        fused = len(self._ending.nodes)
        self._chains = chains_of(model.nodes, len(model.nodes) - fused, self._kernels)
        joined = [chain.indices for chain in self._chains]
        self._plan = plan_memory(model.nodes, training=True, fused=fused, joined=joined)
        self._blocks = Blocks(self._plan.sizes, capacity, model.dtype)
        constants = Constants(model.nodes, capacity, model.dtype)
        self._workspaces = [
            LayerWorkspaces(node, capacity, model.dtype, constants, order)
            for node, order in zip(model.nodes, self._plan.orders[1:], strict=True)
        ]
        self._rngs = [random_stream(seed, Stream.LAYER, node.index) for node in model.nodes]
        self._losses = np.empty(capacity, model.dtype)
        self.gradient = np.zeros_like(model.store.vector)
        self._regularized = [
            (slot.parameter.regularizer, model.store.arrays[slot.key], view(self.gradient, slot))
            for slot in model.store.slots
            if slot.parameter.regularizer is not None
        ]

    def penalty(self) -> float:
        """Return the regularization loss of the current parameters."""
        return float(
            sum(
                checked_penalty(regularizer, regularizer.penalty(w))
                for regularizer, w, _ in self._regularized
            )
        )

    def streams(self) -> list[np.random.Generator]:
        """Each layer's own random stream, in the model's order."""
        return list(self._rngs)

    def step(self, x: Array, y_true: Array, weights: Array | None = None) -> Step:
        """Bind the calls of a step to a batch's arrays.

        Args:
            x: (n, *input shape), n at most the capacity; the calls read its current contents.
            y_true: as prepared by the loss.
            weights: (n,), the sample weights; None if all are equal.
        """
        n, nodes, plan = len(x), self._model.nodes, self._plan
        views = BatchViews(nodes, plan, self._blocks, n)
        losses = self._losses[:n]
        states = [
            layer_state(node, self._model.store, workspace.views(n), rng, self.gradient)
            for node, workspace, rng in zip(nodes, self._workspaces, self._rngs, strict=True)
        ]
        normalized = None if weights is None else np.empty_like(weights)
        calls: list[Call] = []
        if weights is not None and normalized is not None:
            calls.append(partial(fill_weights, weights, normalized))
        parts = [
            chain_calls(chain, plan, views, x, states, self._kernels) for chain in self._chains
        ]
        for forward, _ in parts:
            calls += forward
        calls += self._loss_calls(views, x, y_true, losses, normalized, states)
        for _, backward in reversed(parts):
            calls += backward
        for regularizer, w, dw in self._regularized:
            calls += self._regularizer_calls(regularizer, w, dw)
        output = views.output(nodes[-1])
        if weights is not None and normalized is not None:
            return WeightedStep(tuple(calls), output, losses, weights, normalized)
        return Step(tuple(calls), output, losses)

    def _loss_calls(
        self,
        views: BatchViews,
        x: Array,
        y_true: Array,
        losses: Array,
        normalized: Array | None,
        states: Sequence[LayerState],
    ) -> list[Call]:
        """Return the loss and its weighted gradient, with the layers fused with the loss."""
        nodes, plan = self._ending.nodes, self._plan
        weights = np.full_like(losses, 1 / len(losses)) if normalized is None else normalized
        y_pred = views.output(self._model.nodes[-1])
        own = tuple(states[node.index] for node in nodes)
        site = KernelSite(
            (*(node.layer for node in nodes), self._loss),
            y=y_pred,
            states=own,
            y_true=y_true,
            losses=losses,
            normalized_weights=weights,
            uniform=normalized is None,
        )
        if not nodes:
            return self._separate_loss(site, views.gradient(len(self._model.nodes)))
        first, last = nodes[0], nodes[-1]
        trained = plan.needs_gradient[last.index + 1]
        dx, after = gradient_target(first, 0, plan, views) if trained else (None, [])
        site = replace(site, x=views.inputs(first, x), dx=dx)
        bound = self._kernels.bind(self._ending.kernels, site)
        if bound is not None:
            backward = [*bound.backward, *after] if trained else []
            return [*copies(first, views, x), *bound.forward, *backward]
        dy = np.empty_like(y_pred) if trained else None  # it is not in the plan
        calls = [
            call
            for node, state in zip(nodes, own, strict=True)
            for call in forward_calls(node, plan, views, x, state)
        ]
        calls += self._separate_loss(site, dy)
        for node, state in reversed(list(zip(nodes, own, strict=True))):
            calls += backward_calls(node, plan, views, x, state, dy if node is last else None)
        return calls

    def _separate_loss(self, site: KernelSite, dy: Array | None) -> list[Call]:
        """Return the calls of the loss's own methods; the gradient only if it is needed."""
        loss, y_pred, y_true = self._loss, site.y, site.y_true
        calls: list[Call] = [partial(loss.forward, y_pred, y_true, site.losses)]
        if dy is None:
            return calls
        backward = partial(loss.backward, y_pred, y_true, dy)
        return [*calls, backward, site.weigh(dy)]

    def _regularizer_calls(self, regularizer: Regularizer, w: Array, dw: Array) -> Sequence[Call]:
        bound = self._kernels.bind_single(regularizer, KernelSite((regularizer,), w=w, dw=dw))
        return bound.backward if bound is not None else [partial(regularizer.add_gradient, w, dw)]
