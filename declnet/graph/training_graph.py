"""The graph of a training step: forward, loss and backward as straight lists of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.fusion import Fusion
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.graph.blocks import Blocks, LayerBuffers
from declnet.graph.lifetimes import plan_memory
from declnet.graph.model import Model
from declnet.graph.nodes import Node
from declnet.graph.parameters import view
from declnet.graph.states import layer_state
from declnet.registry.registry import Registry
from declnet.spec.streams import Stream, random_stream

Call = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Step:
    """The calls of one training step on n samples, and the arrays that they fill.

    Attributes:
        calls: forward, loss, backward and regularizers' gradients, in order.
        y_pred: predictions, (n, *output shape), right until the next step.
        losses: the data loss of each sample, (n,).
    """

    calls: tuple[Call, ...]
    y_pred: Array
    losses: Array

    def run(self) -> float:
        """Executes the calls; returns the mean data loss."""
        for call in self.calls:
            call()
        return float(np.add.reduce(self.losses)) / len(self.losses)


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
        self._buffers = [LayerBuffers(node, capacity, model.dtype) for node in model.nodes]
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

    def step(self, x: Array, y_true: Array) -> Step:
        """Binds the calls of a step to a batch's arrays.

        Args:
            x: (n, *input shape), n at most the capacity; the calls read what it holds then.
            y_true: as the loss prepares it.
        """
        return _Binding(self, x, y_true).step()


class _Binding:
    """The views of one size of batch, and the calls on them."""

    def __init__(self, graph: TrainingGraph, x: Array, y_true: Array) -> None:
        self.graph, self.y_true, self.n = graph, y_true, len(x)
        self.nodes = graph._model.nodes
        self.plan = graph._plan
        self.values = [x, *(self._value(node) for node in self.nodes)]
        self.losses = graph._losses[: self.n]
        self.states = [
            layer_state(node, graph._model.store, buffers.views(self.n), rng, graph.gradient)
            for node, buffers, rng in zip(self.nodes, graph._buffers, graph._rngs, strict=True)
        ]

    def step(self) -> Step:
        calls = [*self._forward(), *self._loss_gradient()]
        for node in reversed(self.nodes):
            calls += self._backward(node)
        calls += [
            partial(regularizer.add_gradient, w, dw)
            for regularizer, w, dw in self.graph._regularized
        ]
        return Step(tuple(calls), self.values[-1], self.losses)

    def _forward(self) -> list[Call]:
        plain = self.nodes[:-1] if self.graph.fusion else self.nodes
        calls: list[Call] = [
            partial(node.layer.forward, self._inputs(node), self._output(node), self._state(node))
            for node in plain
        ]
        y_pred = self.values[-1]
        if self.graph.fusion is None:
            loss = self.graph._loss
            return [*calls, partial(loss.forward, y_pred, self.y_true, self.losses)]
        x = self._inputs(self.nodes[-1])
        return [*calls, partial(self.graph.fusion.forward, x, self.y_true, y_pred, self.losses)]

    def _loss_gradient(self) -> list[Call]:
        y_pred = self.values[-1]
        if self.graph.fusion is None:
            dy = self._gradient(len(self.nodes))
            if dy is None:
                return []
            backward: Call = partial(self.graph._loss.backward, y_pred, self.y_true, dy)
        else:
            last = self.nodes[-1]
            dy = self._gradient(last.inputs[0])
            if dy is None:
                return []
            backward = partial(
                self.graph.fusion.backward, self._inputs(last), y_pred, self.y_true, dy
            )
        return [backward, partial(np.multiply, dy, dy.dtype.type(1 / self.n), dy)]

    def _backward(self, node: Node) -> list[Call]:
        fused = self.graph.fusion is not None and node is self.nodes[-1]
        if fused or not self.plan.needs_gradient[node.index + 1]:
            return []
        targets, sums = [], []
        for position, value in enumerate(node.inputs):
            total = self._gradient(value)
            spare = self.plan.spares.get((node.index, position))
            if total is None or spare is None:
                targets.append(total)
                continue
            part = self.graph._blocks.view(spare, self._shape(value), self.n)
            targets.append(part)
            sums.append(partial(np.add, total, part, total))
        needs = node.layer.backward_needs
        dx: Any = tuple(targets) if node.joins_inputs else targets[0]
        backward = partial(
            node.layer.backward,
            self._inputs(node) if "x" in needs else None,
            self._output(node) if "y" in needs else None,
            self._gradient(node.index + 1),  # type: ignore[arg-type]
            dx,
            self._state(node),
        )
        return [backward, *sums]

    def _shape(self, value: int) -> tuple[int, ...]:
        return self.nodes[value - 1].output_shape

    def _value(self, node: Node) -> Array:
        block = self.plan.activations[node.index + 1]
        assert block is not None  # noqa: S101  # every layer's output has a block
        return self.graph._blocks.view(block, node.output_shape, self.n)

    def _gradient(self, value: int) -> Array | None:
        block = self.plan.gradients[value]
        return None if block is None else self.graph._blocks.view(block, self._shape(value), self.n)

    def _inputs(self, node: Node) -> Any:
        arrays = tuple(self.values[value] for value in node.inputs)
        return arrays if node.joins_inputs else arrays[0]

    def _output(self, node: Node) -> Array:
        return self.values[node.index + 1]

    def _state(self, node: Node) -> Any:
        return self.states[node.index]


def find_fusion(layer: Layer, loss: Loss, registry: Registry) -> Fusion | None:
    """The fusion that joins a last layer and a loss, or None."""
    for entry in registry.entries("fusion"):
        if entry.component.joins(layer, loss):
            fusion: Fusion = entry.component(layer=layer, loss=loss)
            return fusion
    return None
