"""How much memory a run will hold: its graphs and its data."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from declnet.components.data_source import DataInfo
from declnet.errors import Problem
from declnet.graph.memory import inference_memory, training_memory
from declnet.graph.model import CHUNK
from declnet.graph.training_graph import find_fusion
from declnet.registry.registry import Registry
from declnet.spec.run_spec import RunSpec
from declnet.training.checks import Checked

GIB = 2**30

LOADED = 8
"""Bytes of a number as a data source gives it, at most: its dtype is not known before loading."""


def run_memory(spec: RunSpec, checked: Checked, registry: Registry) -> dict[str, int] | None:
    """Bytes by what they are for; None where the number of samples is not known.

    Args:
        spec: the run.
        checked: what the checks found, without problems.
        registry: where fusions are looked up.
    """
    samples = checked.data["train"].samples
    if any(info.samples is None for info in checked.data.values()) or samples is None:
        return None
    batch = min(spec.training.batch_size or samples, samples)
    fused = find_fusion(checked.nodes[-1].layer, spec.loss, registry) is not None
    memory = training_memory(checked.nodes, spec.optimizer, spec.model.dtype, batch, fused)
    output_shape = checked.nodes[-1].output_shape
    memory["evaluation"] = sum(
        inference_memory(checked.nodes, spec.model.dtype, min(info.samples or 0, CHUNK))
        for info in checked.data.values()
    )
    memory["data"] = sum(
        _data_bytes(info, output_shape, np.dtype(spec.model.dtype).itemsize, name == "train")
        for name, info in checked.data.items()
    )
    return memory


def _data_bytes(info: DataInfo, output_shape: tuple[int, ...], itemsize: int, train: bool) -> int:
    """The data in the model's type, y as loaded; the training data once more, to gather from."""
    copies = 2 if train else 1
    numbers = prod(info.sample_shape) + prod(output_shape)
    return (info.samples or 0) * (copies * numbers * itemsize + prod(info.target_shape) * LOADED)


def machine_memory() -> int | None:
    """Bytes of memory that this machine has; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def too_large(memory: dict[str, int] | None) -> Problem | None:
    """The problem of a run that needs more memory than the machine has, or None."""
    there = machine_memory()
    if memory is None or there is None or sum(memory.values()) <= there:
        return None
    needed = sum(memory.values()) / GIB
    message = f"the run needs {needed:.2f} GiB of memory, this machine has {there / GIB:.2f} GiB"
    return Problem(("model",), message, "fewer units, or a smaller training.batch_size")
