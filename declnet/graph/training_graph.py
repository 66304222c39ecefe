"""The graph of a training step: forward, loss and backward as straight lists of calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from declnet.components.arrays import Array
from declnet.components.fusion import Fusion
from declnet.components.kernel import FusionKernel, RegularizerKernel
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.components.regularizer import Regularizer
from declnet.graph.blocks import Blocks, Constants, LayerWorkspaces
from declnet.graph.calls import copies, gradient_target
from declnet.graph.chains import chain_calls, chains_of
from declnet.graph.kernels import Kernels
from declnet.graph.lifetimes import plan_memory
from declnet.graph.model import Model
from declnet.graph.parameters import view
from declnet.graph.states import layer_state
from declnet.graph.step import Call, Step, WeightedStep, fill_shares
from declnet.graph.views import BatchViews
from declnet.registry.registry import Registry
from declnet.spec.streams import Stream, random_stream


class TrainingGraph:
    """A model compiled for training with a loss, for batches of up to `capacity` samples.

    Attributes:
        gradient: of all trainable parameters, flat, as `model.store.vector` is.
        fusion: what joins the last layer and the loss, if anything does.

    Args:
        kernels: that may take components' places; default: none.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        registry: Registry,
        capacity: int,
        seed: int,
        kernels: Kernels | None = None,
    ) -> None:
        self._model = model
        self._loss = loss
        self._kernels = kernels or Kernels()
        self.fusion = find_fusion(model.nodes[-1].layer, loss, registry)
        fused = self.fusion is not None
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
        """The regularization loss of the parameters as they are."""
        return float(sum(regularizer.penalty(w) for regularizer, w, _ in self._regularized))

    def streams(self) -> list[np.random.Generator]:
        """Each layer's own random stream, in the model's order."""
        return list(self._rngs)

    def step(self, x: Array, y_true: Array, weights: Array | None = None) -> Step:
        """Binds the calls of a step to a batch's arrays.

        Args:
            x: (n, *input shape), n at most the capacity; the calls read what it holds then.
            y_true: as the loss prepares it.
            weights: (n,), how much each sample counts; None if all count alike.
        """
        n, nodes, plan = len(x), self._model.nodes, self._plan
        views = BatchViews(nodes, plan, self._blocks, n)
        losses = self._losses[:n]
        states = [
            layer_state(node, self._model.store, workspace.views(n), rng, self.gradient)
            for node, workspace, rng in zip(nodes, self._workspaces, self._rngs, strict=True)
        ]
        shares = None if weights is None else np.empty_like(weights)
        calls: list[Call] = []
        if weights is not None and shares is not None:
            calls.append(partial(fill_shares, weights, shares))
        parts = [
            chain_calls(chain, plan, views, x, states, self._kernels) for chain in self._chains
        ]
        for forward, _ in parts:
            calls += forward
        calls += self._loss_calls(views, x, y_true, losses, shares)
        for _, backward in reversed(parts):
            calls += backward
        for regularizer, w, dw in self._regularized:
            calls += self._regularizer_calls(regularizer, w, dw)
        output = views.output(nodes[-1])
        if weights is not None and shares is not None:
            return WeightedStep(tuple(calls), output, losses, weights, shares)
        return Step(tuple(calls), output, losses)

    def _loss_calls(
        self, views: BatchViews, x: Array, y_true: Array, losses: Array, shares: Array | None
    ) -> list[Call]:
        """The loss and its gradient, times each sample's share; with the fusion if any."""
        last, loss, fusion = self._model.nodes[-1], self._loss, self.fusion
        y_pred = views.output(last)
        if fusion is None:
            calls: list[Call] = [partial(loss.forward, y_pred, y_true, losses)]
            dy = views.gradient(last.index + 1)
            if dy is None:
                return calls
            return [*calls, partial(loss.backward, y_pred, y_true, dy), _mean(dy, shares)]
        logits = views.inputs(last, x)
        dx, after = gradient_target(last, 0, self._plan, views)
        calls = copies(last, views, x)
        kernel: FusionKernel | None = self._kernels.find([fusion])
        if kernel is not None:
            each = np.full_like(losses, 1 / len(losses)) if shares is None else shares
            bound = kernel.bind(logits, y_true, y_pred, losses, each, dx)
            if bound is not None:
                self._kernels.took_over(kernel)
                return [*calls, *bound, *after]
        calls.append(partial(fusion.forward, logits, y_true, y_pred, losses))
        if dx is None:
            return calls
        backward = partial(fusion.backward, logits, y_pred, y_true, dx)
        return [*calls, backward, _mean(dx, shares), *after]

    def _regularizer_calls(self, regularizer: Regularizer, w: Array, dw: Array) -> Sequence[Call]:
        kernel: RegularizerKernel | None = self._kernels.find([regularizer])
        bound = kernel.bind(w, dw) if kernel is not None else None
        if kernel is None or bound is None:
            return [partial(regularizer.add_gradient, w, dw)]
        self._kernels.took_over(kernel)
        return bound


def _mean(gradient: Array, shares: Array | None) -> Call:
    """Multiplies each sample's gradient by its share in the mean: all by 1/n, or by `shares`."""
    share = gradient.dtype.type(1 / len(gradient))
    if shares is not None:
        share = shares.reshape(-1, *[1] * (gradient.ndim - 1))
    return partial(np.multiply, gradient, share, gradient)


def find_fusion(layer: Layer, loss: Loss, registry: Registry) -> Fusion | None:
    """The fusion that joins a last layer and a loss, or None."""
    for entry in registry.entries("fusion"):
        if entry.component.joins(layer, loss):
            fusion: Fusion = entry.component(layer=layer, loss=loss)
            return fusion
    return None
