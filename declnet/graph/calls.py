"""The calls of a layer's forward and backward, bound to their arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.state import LayerState
from declnet.graph.lifetimes import Plan
from declnet.graph.nodes import Node
from declnet.graph.step import Call
from declnet.graph.views import BatchViews


def forward_calls(
    node: Node, plan: Plan, views: BatchViews, x: Array, state: LayerState
) -> list[Call]:
    """Copies into the order that the layer wants, then its forward."""
    if plan.is_view(node):
        return []
    copies: list[Call] = [partial(np.copyto, *pair) for pair in views.copies(node, x)]
    forward = partial(node.layer.forward, views.inputs(node, x), views.output(node), state)
    return [*copies, forward]


def backward_calls(
    node: Node, plan: Plan, views: BatchViews, x: Array, state: LayerState
) -> list[Call]:
    """The layer's backward, then what it adds to gradients that have several writers."""
    if not plan.needs_gradient[node.index + 1] or plan.gradient_is_view(node):
        return []
    targets: list[Array | None] = []
    after: list[Call] = []
    for position, value in enumerate(node.inputs):
        writer = node.index, position
        total, spare = views.gradient(value), views.spare(writer)
        if total is None or spare is None:
            targets.append(total)
            continue
        targets.append(spare)
        first = plan.first_writer[value] == writer
        after.append(
            partial(np.copyto, total, spare) if first else partial(np.add, total, spare, total)
        )
    needs = node.layer.backward_needs
    dx: Any = tuple(targets) if node.joins_inputs else targets[0]
    backward = partial(
        node.layer.backward,
        views.inputs(node, x) if "x" in needs else None,
        views.output(node) if "y" in needs else None,
        views.gradient(node.index + 1),  # type: ignore[arg-type]  # there is one: it is needed
        dx,
        state,
    )
    return [backward, *after]
