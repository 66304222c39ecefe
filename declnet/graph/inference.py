"""The graph of a prediction: forward only, with memory reused as soon as values are dead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from declnet.contracts.arrays import Array, Dtype
from declnet.contracts.kernel import Call
from declnet.contracts.parameter import LayerState
from declnet.graph.arrays import BatchViews, Blocks, Constants, LayerWorkspaces
from declnet.graph.kernels import copies, forward_calls
from declnet.graph.memory_plan import plan_memory
from declnet.graph.parameters import Parameters, layer_state
from declnet.graph.shapes import Node

Section = tuple[Callable[[Array], None], list[Call]]
"""A layer that reads the model's input, as a function of it, and the calls up to the next one."""


class InferenceGraph:
    """A model compiled for predictions on batches of up to `capacity` samples; not thread-safe."""

    def __init__(
        self, nodes: Sequence[Node], parameters: Parameters, dtype: Dtype, capacity: int
    ) -> None:
        self.capacity = capacity
        self._nodes, self._parameters = nodes, parameters
        self._plan = plan_memory(nodes, training=False)
        self._blocks = Blocks(self._plan.sizes, capacity, dtype)
        constants = Constants(nodes, capacity, dtype)
        self._workspaces = [
            LayerWorkspaces(node, capacity, dtype, constants, order)
            for node, order in zip(nodes, self._plan.orders[1:], strict=True)
        ]
        self._rng = np.random.Generator(np.random.PCG64(0))
        self._bound: dict[int, tuple[list[Section], Array]] = {}

    def predict(self, x: Array) -> Array:
        """Return predictions for a batch, in an array that the next call overwrites.

        Args:
            x: (n, *input shape), n at most the capacity, in the model's type.
        """
        n = len(x)
        if n not in self._bound:
            self._bound[n] = self._bind(x)
        sections, y_pred = self._bound[n]
        for read, calls in sections:
            read(x)
            for call in calls:
                call()
        return y_pred

    def _bind(self, x: Array) -> tuple[list[Section], Array]:
        """Return the calls for one batch size; those that read the model's input take it each time.

        Everything that can be looked up in advance is, since for one sample the calls dominate the
        cost. The first layer always begins a section, since it can read only the input.
        """
        n = len(x)
        views = BatchViews(self._nodes, self._plan, self._blocks, n)
        sections: list[Section] = []
        for node, workspace in zip(self._nodes, self._workspaces, strict=True):
            state = layer_state(node, self._parameters, workspace.views(n), self._rng)
            if 0 in node.inputs:
                before = copies(node, views, x)  # not of the input: any order is accepted
                if before:
                    sections[-1][1].extend(before)
                sections.append((_reader(node, views, x, state), []))
            else:
                sections[-1][1].extend(forward_calls(node, self._plan, views, x, state))
        return sections, views.output(self._nodes[-1])


def _reader(
    node: Node, views: BatchViews, example: Array, state: LayerState
) -> Callable[[Array], None]:
    """Return the forward of a layer that reads the model's input, as a function of the input.

    Args:
        example: an input; no reference to it is kept.
    """
    forward, y = node.layer.forward, views.output(node)
    if not node.takes_many_inputs:
        return lambda x: forward(x, y, state)
    values = [
        views.read((node.index, position), example) if value else None
        for position, value in enumerate(node.inputs)
    ]
    return lambda x: forward(tuple(x if each is None else each for each in values), y, state)
