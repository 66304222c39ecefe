"""Finds where a number that is NaN or infinite first appears."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.graph.blocks import Constants, LayerWorkspaces
from declnet.graph.model import Model
from declnet.graph.states import layer_state


def first_non_finite(model: Model, x: Array) -> tuple[str, str] | None:
    """Looks through parameters and outputs, layer by layer from the input.

    Args:
        model: as it is now.
        x: the batch that gave a loss that is not finite.

    Returns:
        The layer's name, and which of its values it is (`"weights"`, or `"output"`); None if all
        are finite, so that the fault lies in the loss.
    """
    values = [x]
    rng = np.random.Generator(np.random.PCG64(0))
    constants = Constants(model.nodes, len(x), model.dtype)
    for node in model.nodes:
        for name in node.parameters:
            if not np.isfinite(model.store.arrays[f"{node.name}.{name}"]).all():
                return node.name, name
        workspace = LayerWorkspaces(node, len(x), model.dtype, constants).views(len(x))
        state = layer_state(node, model.store, workspace, rng)
        y = np.empty((len(x), *node.output_shape), model.dtype)
        inputs = tuple(values[value] for value in node.inputs)
        node.layer.forward(inputs if node.takes_many_inputs else inputs[0], y, state)
        if not np.isfinite(y).all():
            return node.name, "output"
        values.append(y)
    return None
