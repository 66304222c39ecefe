"""The graph of a prediction: forward only, with as little memory as the lifetimes allow."""

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
"""A layer that reads the model's input, as a function of it, and the calls until the next such."""


class InferenceGraph:
    """A model compiled for predictions on batches of up to `capacity` samples; for one thread."""

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
        """Predictions for a batch; the array is overwritten by the next call.

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
        """The calls for batches of one size; those that read the model's input take it anew.

        Whatever can be looked up before is, since one sample costs little more than its calls. The
        first layer always begins a section: it has nothing else to read than the input.
        """
        n = len(x)
        views = BatchViews(self._nodes, self._plan, self._blocks, n)
        sections: list[Section] = []
        for node, workspace in zip(self._nodes, self._workspaces, strict=True):
            state = layer_state(node, self._parameters, workspace.views(n), self._rng)
            if 0 in node.inputs:
                before = copies(node, views, x)  # of other values: the input comes in any order
                if before:
                    sections[-1][1].extend(before)
                sections.append((_reader(node, views, x, state), []))
            else:
                sections[-1][1].extend(forward_calls(node, self._plan, views, x, state))
        return sections, views.output(self._nodes[-1])


def _reader(
    node: Node, views: BatchViews, example: Array, state: LayerState
) -> Callable[[Array], None]:
    """The forward of a layer that reads the model's input, as a function of that.

    Args:
        example: an input, which is not kept.
    """
    forward, y = node.layer.forward, views.output(node)
    if not node.takes_many_inputs:
        return lambda x: forward(x, y, state)
    values = [
        views.read((node.index, position), example) if value else None
        for position, value in enumerate(node.inputs)
    ]
    return lambda x: forward(tuple(x if each is None else each for each in values), y, state)
