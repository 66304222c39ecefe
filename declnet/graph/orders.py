"""Decides the memory order of every value, and where one must be copied into another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from declnet.graph.nodes import Node

Order = Literal["batch_last", "batch_first"]


def value_orders(nodes: Sequence[Node]) -> tuple[Order, ...]:
    """The order of each value, by index; a layer that takes any gives y in the order of its x.

    The model's input, value 0, is listed as sample-major, but readers take it as it comes.
    """
    orders: list[Order] = ["batch_first"]
    for node in nodes:
        declared = node.layer.memory_order
        if declared != "any":
            orders.append(declared)
        else:
            orders.append(orders[node.inputs[0]] if node.inputs[0] else "batch_last")
    return tuple(orders)


def staged_reads(nodes: Sequence[Node], orders: Sequence[Order]) -> dict[tuple[int, int], Order]:
    """The reads for which a value must be copied, by layer and position, and the order wanted."""
    staged: dict[tuple[int, int], Order] = {}
    for node in nodes:
        if node.layer.input_order == "any":
            continue
        wanted = node.layer.input_order or orders[node.index + 1]
        for position, value in enumerate(node.inputs):
            if value and orders[value] != wanted:
                staged[node.index, position] = wanted
    return staged
