"""The graph of a prediction: forward only, with as little memory as the lifetimes allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Dtype
from declnet.graph.blocks import Blocks, LayerBuffers
from declnet.graph.lifetimes import plan_memory
from declnet.graph.nodes import Node
from declnet.graph.parameters import Parameters
from declnet.graph.states import layer_state


class InferenceGraph:
    """A model compiled for predictions on batches of up to `capacity` samples; for one thread."""

    def __init__(
        self, nodes: Sequence[Node], parameters: Parameters, dtype: Dtype, capacity: int
    ) -> None:
        self.capacity = capacity
        self._nodes, self._parameters = nodes, parameters
        self._plan = plan_memory(nodes, training=False)
        self._blocks = Blocks(self._plan.sizes, capacity, dtype)
        self._buffers = [LayerBuffers(node, capacity, dtype) for node in nodes]
        self._rng = np.random.Generator(np.random.PCG64(0))
        self._bound: dict[int, list[tuple[Any, Array, Any]]] = {}

    def predict(self, x: Array) -> Array:
        """Predictions for a batch; the array is overwritten by the next call.

        Args:
            x: (n, *input shape), n at most the capacity, in the model's type.
        """
        n = len(x)
        bound = self._bound.get(n)
        if bound is None:
            bound = self._bound[n] = self._bind(n)
        values: list[Array] = [x]
        for node, (forward, y, state) in zip(self._nodes, bound, strict=True):
            if node.joins_inputs:
                forward(tuple(values[value] for value in node.inputs), y, state)
            else:
                forward(values[node.inputs[0]], y, state)
            values.append(y)
        return values[-1]

    def _bind(self, n: int) -> list[tuple[Any, Array, Any]]:
        bound = []
        for node, buffers in zip(self._nodes, self._buffers, strict=True):
            block = self._plan.activations[node.index + 1]
            assert block is not None  # noqa: S101  # every layer's output has a block
            y = self._blocks.view(block, node.output_shape, n)
            state = layer_state(node, self._parameters, buffers.views(n), self._rng)
            bound.append((node.layer.forward, y, state))
        return bound
