"""Memory estimates for a run: its graphs and its data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from declnet.contracts.arrays import Shape
from declnet.contracts.data_source import DataInfo
from declnet.data.batches import THIN
from declnet.errors import Diagnostic
from declnet.graph.kernels import Kernels, ending_of
from declnet.graph.memory import inference_memory, samples_at_once, training_memory
from declnet.graph.shapes import Node
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.partial import PartialSpec

GIB = 2**30
MOST = 10**27
"""Upper bound for the reported size, in bytes."""


def run_memory(
    spec: PartialSpec,
    data: Mapping[str, DataInfo],
    nodes: Sequence[Node],
    registry: Registry | None = None,
) -> dict[str, int] | None:
    """Return the bytes that a run holds, by purpose; None if unknown.

    Args:
        spec: the run's spec, of which loss and optimizer are needed.
        data: what is known about each data set, including its number of samples.
        nodes: the model's layers.
        registry: where kernels are looked up; default: all installed plugins.
    """
    samples = data["train"].samples
    if any(info.samples is None for info in data.values()) or samples is None:
        return None
    if spec.loss is None or spec.optimizer is None:
        return None
    batch = min(spec.training.batch_size or samples, samples)
    kernels = Kernels(registry or default_registry())
    fused = len(ending_of(nodes, spec.loss, kernels).nodes)
    memory = training_memory(nodes, spec.optimizer, spec.model.dtype, batch, fused)
    memory["evaluation"] = _evaluation_bytes(spec.model.dtype, data, nodes)
    itemsize = np.dtype(spec.model.dtype).itemsize
    output_shape = nodes[-1].output_shape
    memory["data"] = sum(
        (info.samples or 0)
        * (
            (prod(info.sample_shape) * info.in_memory + prod(output_shape)) * itemsize
            + prod(info.target_shape) * 8
        )
        for info in data.values()
    )
    gathered = _gathering_bytes(spec.training.batch_size, output_shape, samples, batch)
    shape = data["train"].sample_shape
    if data["train"].in_memory:
        gathered += _gathering_bytes(spec.training.batch_size, shape, samples, batch)
    else:
        gathered += prod(shape) * batch
    memory["data"] += gathered * itemsize
    return memory


def _evaluation_bytes(dtype: str, data: Mapping[str, DataInfo], nodes: Sequence[Node]) -> int:
    """Return the bytes for evaluations: validation's graph persists, the others do not overlap."""
    most = samples_at_once(nodes, dtype)
    sizes = {
        name: inference_memory(nodes, dtype, min(info.samples or 0, most))
        for name, info in data.items()
    }
    return max(sizes.values()) + sizes.get("validation", 0)


def _gathering_bytes(batch_size: int | None, shape: Shape, samples: int, batch: int) -> int:
    """Return the size of the extra copy of the training data: all of it, or one gathered batch."""
    if batch_size is None or prod(shape) <= THIN:
        gathered = batch if batch_size is not None else 0
        return prod(shape) * (samples + gathered)
    return prod(shape) * batch


def machine_memory() -> int | None:
    """Return this machine's memory in bytes; None if the system does not report it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def too_large(memory: Mapping[str, int] | None) -> Diagnostic | None:
    """Return a diagnostic if a run needs more memory than the machine has, else None."""
    there = machine_memory()
    if memory is None or there is None or sum(memory.values()) <= there:
        return None
    needed = min(sum(memory.values()), MOST) / GIB
    message = f"the run needs {needed:.2f} GiB of memory, this machine has {there / GIB:.2f} GiB"
    hint = "use fewer units or a smaller training.batch_size"
    return Diagnostic(message, hint, ("model",), "E051")
