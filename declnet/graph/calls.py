"""The calls of a layer's forward and backward, bound to their arrays."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.state import LayerState
from declnet.graph.nodes import Node
from declnet.graph.plan import Plan
from declnet.graph.step import Call
from declnet.graph.views import BatchViews


def forward_calls(
    node: Node, plan: Plan, views: BatchViews, x: Array, state: LayerState
) -> list[Call]:
    """Copies into the order that the layer wants, then its forward."""
    if plan.is_view(node):
        return []
    forward = partial(node.layer.forward, views.inputs(node, x), views.output(node), state)
    return [*copies(node, views, x), forward]


def copies(node: Node, views: BatchViews, x: Array) -> list[Call]:
    """What puts a layer's inputs into the memory order that it wants."""
    return [partial(np.copyto, *pair) for pair in views.copies(node, x)]


def backward_calls(
    node: Node,
    plan: Plan,
    views: BatchViews,
    x: Array,
    state: LayerState,
    dy: Array | None = None,
) -> list[Call]:
    """The layer's backward, then what it adds to gradients that have several writers.

    Args:
        dy: the gradient of the layer's output; default: where the plan has it.
    """
    if not plan.needs_gradient[node.index + 1] or plan.gradient_is_view(node):
        return []
    targets: list[Array | None] = []
    after: list[Call] = []
    for position in range(len(node.inputs)):
        target, additions = gradient_target(node, position, plan, views)
        targets.append(target)
        after += additions
    needs = node.layer.backward_needs
    dx: Any = tuple(targets) if node.takes_many_inputs else targets[0]
    backward = partial(
        node.layer.backward,
        views.inputs(node, x) if "x" in needs else None,
        views.output(node) if "y" in needs else None,
        views.gradient(node.index + 1) if dy is None else dy,  # type: ignore[arg-type]  # needed
        dx,
        state,
    )
    return [backward, *after]


def gradient_target(
    node: Node, position: int, plan: Plan, views: BatchViews
) -> tuple[Array | None, list[Call]]:
    """Where a layer writes the gradient of one of its inputs, and what is done with it then.

    Returns:
        The array, None where nobody needs that gradient; and the calls that copy it, or add it to
        what other readers of the value wrote.
    """
    value, writer = node.inputs[position], (node.index, position)
    total, spare = views.gradient(value), views.spare(writer)
    if total is None or spare is None:
        return total, []
    if plan.first_writer[value] == writer:
        return spare, [partial(np.copyto, total, spare)]
    return spare, [partial(np.add, total, spare, total)]
