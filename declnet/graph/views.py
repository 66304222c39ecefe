"""The arrays of one size of batch: views of the blocks that the plan puts each value in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from declnet.components.arrays import Array
from declnet.graph.blocks import Blocks
from declnet.graph.nodes import Node
from declnet.graph.plan import Plan, Reader


class BatchViews:
    """Values and gradients of a model for batches of n samples."""

    def __init__(self, nodes: Sequence[Node], plan: Plan, blocks: Blocks, n: int) -> None:
        self._nodes, self._plan, self._blocks, self._n = nodes, plan, blocks, n
        self._values = {
            value: self._view(value, block)
            for value, block in enumerate(plan.activations)
            if block is not None
        }

    def output(self, node: Node) -> Array:
        """What a layer writes."""
        return self._values[node.index + 1]

    def inputs(self, node: Node, x: Array) -> Any:
        """What a layer reads: an array, or a tuple for one that joins inputs.

        Args:
            x: the model's input.
        """
        arrays = tuple(self.read((node.index, position), x) for position in range(len(node.inputs)))
        return arrays if node.takes_many_inputs else arrays[0]

    def read(self, reader: Reader, x: Array) -> Array:
        """What a layer reads at one position: the value itself, or its copy in another order."""
        value = self._nodes[reader[0]].inputs[reader[1]]
        if reader in self._plan.staged:
            order = self._plan.staged_orders[reader]
            shape = self._nodes[value - 1].output_shape
            return self._blocks.view(self._plan.staged[reader], shape, self._n, order)
        return self._values[value] if value else x

    def copies(self, node: Node, x: Array) -> list[tuple[Array, Array]]:
        """Before a layer's forward: pairs of (copy, value) for what it wants in another order."""
        return [
            (self.read((node.index, position), x), self._values[value])
            for position, value in enumerate(node.inputs)
            if (node.index, position) in self._plan.staged
        ]

    def gradient(self, value: int) -> Array | None:
        """The gradient of a value; None where nobody needs it."""
        block = self._plan.gradients[value]
        return None if block is None else self._view(value, block)

    def spare(self, writer: Reader) -> Array | None:
        """Where a layer writes a gradient that is added or copied afterwards; None if it is not."""
        block = self._plan.spares.get(writer)
        if block is None:
            return None
        value = self._nodes[writer[0]].inputs[writer[1]]
        order = self._plan.staged_orders.get(writer, self._plan.orders[value])
        return self._blocks.view(block, self._nodes[value - 1].output_shape, self._n, order)

    def _view(self, value: int, block: int) -> Array:
        shape = self._nodes[value - 1].output_shape
        return self._blocks.view(block, shape, self._n, self._plan.orders[value])
