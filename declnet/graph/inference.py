"""The graph of a prediction: forward only, with as little memory as the lifetimes allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from declnet.components.arrays import Array, Dtype
from declnet.components.state import LayerState
from declnet.graph.blocks import Blocks, LayerBuffers
from declnet.graph.calls import forward_calls
from declnet.graph.lifetimes import plan_memory
from declnet.graph.nodes import Node
from declnet.graph.parameters import Parameters
from declnet.graph.states import layer_state
from declnet.graph.step import Call
from declnet.graph.views import BatchViews

Bound = Callable[[Array], None]


class InferenceGraph:
    """A model compiled for predictions on batches of up to `capacity` samples; for one thread."""

    def __init__(
        self, nodes: Sequence[Node], parameters: Parameters, dtype: Dtype, capacity: int
    ) -> None:
        self.capacity = capacity
        self._nodes, self._parameters = nodes, parameters
        self._plan = plan_memory(nodes, training=False)
        self._blocks = Blocks(self._plan.sizes, capacity, dtype)
        self._buffers = [
            LayerBuffers(node, capacity, dtype, order)
            for node, order in zip(nodes, self._plan.orders[1:], strict=True)
        ]
        self._rng = np.random.Generator(np.random.PCG64(0))
        self._bound: dict[int, tuple[list[Bound], Array]] = {}

    def predict(self, x: Array) -> Array:
        """Predictions for a batch; the array is overwritten by the next call.

        Args:
            x: (n, *input shape), n at most the capacity, in the model's type.
        """
        n = len(x)
        if n not in self._bound:
            self._bound[n] = self._bind(x)
        calls, y_pred = self._bound[n]
        for call in calls:
            call(x)
        return y_pred

    def _bind(self, x: Array) -> tuple[list[Bound], Array]:
        """The calls for batches of one size; those that read the model's input take it anew."""
        n = len(x)
        views = BatchViews(self._nodes, self._plan, self._blocks, n)
        bound: list[Bound] = []
        for node, buffers in zip(self._nodes, self._buffers, strict=True):
            state = layer_state(node, self._parameters, buffers.views(n), self._rng)
            if 0 in node.inputs:
                bound.append(partial(_forward, node, views, state))
            else:
                calls = forward_calls(node, self._plan, views, x, state)
                bound += [partial(_without_input, call) for call in calls]
        return bound, views.output(self._nodes[-1])


def _forward(node: Node, views: BatchViews, state: LayerState, x: Array) -> None:
    """Runs a layer that reads the model's input."""
    for copy, value in views.copies(node, x):
        np.copyto(copy, value)
    node.layer.forward(views.inputs(node, x), views.output(node), state)


def _without_input(call: Call, _x: Array) -> None:
    call()
