"""Memory estimates for a run from its shapes alone, without allocating anything."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from declnet.contracts.optimizer import Optimizer
from declnet.contracts.returned import checked_state_names
from declnet.graph.arrays import workspace_bytes
from declnet.graph.memory_plan import plan_memory
from declnet.graph.shapes import Node
from declnet.graph.update import SLICE

MOST_SAMPLES = 1024
MOST_BYTES = 64 * 2**20
"""Upper bound for the graph of a prediction, unless one sample takes more."""


def training_memory(
    nodes: Sequence[Node],
    optimizer: Optimizer,
    dtype: npt.DTypeLike,
    batch: int,
    fused: int,
) -> dict[str, int]:
    """Return the bytes that the training graph and the optimizer allocate, by purpose.

    Args:
        nodes: the model with its shapes.
        optimizer: the optimizer, which keeps state for each parameter.
        dtype: the model's float type.
        batch: samples per step.
        fused: how many of the last layers are fused with the loss.
    """
    kind = np.dtype(dtype)
    trainable = sum(
        prod(parameter.shape)
        for node in nodes
        for parameter in node.parameters.values()
        if parameter.trainable
    )
    everything = sum(node.parameter_count for node in nodes)
    names = checked_state_names(optimizer, optimizer.state_names())
    states = len(names) * trainable + 2 * min(SLICE, trainable)
    plan = plan_memory(nodes, training=True, fused=fused)
    return {
        "parameters": everything * kind.itemsize,
        "gradients": trainable * kind.itemsize,
        "optimizer state": states * kind.itemsize,
        "activations and their gradients": (sum(plan.sizes) + 1) * batch * kind.itemsize,
        "layers' workspace": workspace_bytes(nodes, kind, batch),
    }


def inference_memory(nodes: Sequence[Node], dtype: npt.DTypeLike, batch: int) -> int:
    """Return the bytes that the graph of a prediction or an evaluation allocates."""
    kind = np.dtype(dtype)
    plan = plan_memory(nodes, training=False)
    return (sum(plan.sizes) + 1) * batch * kind.itemsize + workspace_bytes(nodes, kind, batch)


def samples_at_once(nodes: Sequence[Node], dtype: npt.DTypeLike) -> int:
    """Return the batch size of predictions and evaluations.

    It is chosen so that memory does not grow with the data, and stays small for large samples,
    which may have to be converted.
    """
    sample = prod(nodes[0].input_shapes[0]) * np.dtype(dtype).itemsize
    return max(1, min(MOST_SAMPLES, MOST_BYTES // (sample + inference_memory(nodes, dtype, 1))))
