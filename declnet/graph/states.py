"""Fills the `state` that layers and optimizers are handed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from declnet.components.arrays import Array
from declnet.components.state import LayerState
from declnet.graph.nodes import Node
from declnet.graph.parameters import Parameters, view


def layer_state(
    node: Node,
    parameters: Parameters,
    workspace: Mapping[str, Array],
    rng: np.random.Generator,
    gradient: Array | None = None,
) -> LayerState:
    """A layer's parameters, workspace and, in training, gradients, as attributes of one object.

    Args:
        node: the layer in its place.
        parameters: of the whole model.
        workspace: the layer's own, for one size of batch.
        rng: the layer's own stream.
        gradient: the flat gradient of the whole model in training, None otherwise.
    """
    state = LayerState(rng, training=gradient is not None)
    for name, array in workspace.items():
        setattr(state, name, array)
    for slot in parameters.slots:
        if slot.node == node.index:
            setattr(state, slot.name, parameters.arrays[slot.key])
            if gradient is not None and slot.offset >= 0:
                setattr(state.grad, slot.name, view(gradient, slot))
    return state
