"""The graph of a training step: forward, loss and backward as straight lists of calls."""

from __future__ import annotations

from functools import partial

import numpy as np

from declnet.components.arrays import Array
from declnet.components.fusion import Fusion
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.graph.blocks import Blocks, LayerBuffers
from declnet.graph.calls import backward_calls, forward_calls
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
    """

    def __init__(
        self, model: Model, loss: Loss, registry: Registry, capacity: int, seed: int
    ) -> None:
        self._model = model
        self._loss = loss
        self.fusion = find_fusion(model.nodes[-1].layer, loss, registry)
        self._plan = plan_memory(model.nodes, training=True, fused=self.fusion is not None)
        self._blocks = Blocks(self._plan.sizes, capacity, model.dtype)
        self._buffers = [
            LayerBuffers(node, capacity, model.dtype, order)
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
            layer_state(node, self._model.store, buffers.views(n), rng, self.gradient)
            for node, buffers, rng in zip(nodes, self._buffers, self._rngs, strict=True)
        ]
        plain = nodes[:-1] if self.fusion is not None else nodes
        shares = None if weights is None else np.empty_like(weights)
        calls: list[Call] = []
        if weights is not None and shares is not None:
            calls.append(partial(fill_shares, weights, shares))
        for node in plain:
            calls += forward_calls(node, plan, views, x, states[node.index])
        calls += self._loss_calls(views, x, y_true, losses, shares)
        for node in reversed(plain):
            calls += backward_calls(node, plan, views, x, states[node.index])
        calls += [
            partial(regularizer.add_gradient, w, dw) for regularizer, w, dw in self._regularized
        ]
        output = views.output(nodes[-1])
        if weights is not None and shares is not None:
            return WeightedStep(tuple(calls), output, losses, weights, shares)
        return Step(tuple(calls), output, losses)

    def _loss_calls(
        self, views: BatchViews, x: Array, y_true: Array, losses: Array, shares: Array | None
    ) -> list[Call]:
        """The loss and its gradient, times each sample's share; with the fusion if any."""
        last, loss, fusion = self._model.nodes[-1], self._loss, self.fusion
        y_pred, total = views.output(last), None
        if fusion is None:
            calls: list[Call] = [partial(loss.forward, y_pred, y_true, losses)]
            dy = views.gradient(last.index + 1)
            if dy is not None:
                calls.append(partial(loss.backward, y_pred, y_true, dy))
        else:
            logits = views.inputs(last, x)
            calls = [partial(np.copyto, *pair) for pair in views.copies(last, x)]
            calls.append(partial(fusion.forward, logits, y_true, y_pred, losses))
            spare, total = views.spare((last.index, 0)), views.gradient(last.inputs[0])
            dy = total if spare is None else spare
            if dy is not None:
                calls.append(partial(fusion.backward, logits, y_pred, y_true, dy))
        if dy is not None:
            share = dy.dtype.type(1 / len(losses))
            if shares is not None:
                share = shares.reshape(-1, *[1] * (dy.ndim - 1))
            calls.append(partial(np.multiply, dy, share, dy))
        if dy is not None and total is not None and dy is not total:
            calls.append(partial(np.copyto, total, dy))
        return calls


def find_fusion(layer: Layer, loss: Loss, registry: Registry) -> Fusion | None:
    """The fusion that joins a last layer and a loss, or None."""
    for entry in registry.entries("fusion"):
        if entry.component.joins(layer, loss):
            fusion: Fusion = entry.component(layer=layer, loss=loss)
            return fusion
    return None
