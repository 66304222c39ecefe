"""Which block of memory each value is in: what the planning of lifetimes gives."""

from __future__ import annotations

from dataclasses import dataclass

from declnet.graph.nodes import Node
from declnet.graph.orders import Order

Reader = tuple[int, int]
"""A layer and the position of one of its inputs: who reads a value, and writes its gradient."""


@dataclass(frozen=True)
class Plan:
    """Which block each value is in; None for what is not needed.

    Attributes:
        activations: by value; 0, the model's input, has none.
        gradients: by value.
        staged: blocks for values that a reader wants in another order.
        spares: blocks for gradients that are added to an earlier one, or come in another order.
        orders: memory order of each value and its gradient.
        staged_orders: memory order that a reader wants.
        needs_gradient: by value, whether a trainable parameter lies above it.
        first_writer: by value, whose gradient is written and not added.
        sizes: of each block, in numbers a sample.
    """

    activations: tuple[int | None, ...]
    gradients: tuple[int | None, ...]
    staged: dict[Reader, int]
    spares: dict[Reader, int]
    orders: tuple[Order, ...]
    staged_orders: dict[Reader, Order]
    needs_gradient: tuple[bool, ...]
    first_writer: dict[int, Reader]
    sizes: tuple[int, ...]

    def is_view(self, node: Node) -> bool:
        """Whether a layer that only reshapes has nothing to do, since y is x's memory."""
        source = self.activations[node.inputs[0]]
        return node.layer.only_reshapes and source == self.activations[node.index + 1]

    def gradient_is_view(self, node: Node) -> bool:
        """The same of its backward: whether dx is dy's memory."""
        source = self.gradients[node.inputs[0]]
        return node.layer.only_reshapes and source == self.gradients[node.index + 1]
