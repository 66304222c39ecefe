"""How much memory a run will hold: its graphs and its data."""

from __future__ import annotations

import os
from math import prod

import numpy as np

from declnet.components.arrays import Shape
from declnet.data.gathering import THIN
from declnet.errors import Problem
from declnet.graph.memory import inference_memory, samples_at_once, training_memory
from declnet.graph.training_graph import find_fusion
from declnet.registry.registry import Registry
from declnet.spec.run_spec import RunSpec
from declnet.training.checks import Checked

GIB = 2**30


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
    memory["evaluation"] = _evaluation_bytes(spec, checked)
    itemsize = np.dtype(spec.model.dtype).itemsize
    output_shape = checked.nodes[-1].output_shape
    memory["data"] = sum(
        (info.samples or 0)
        * ((prod(info.sample_shape) + prod(output_shape)) * itemsize + prod(info.target_shape) * 8)
        for info in checked.data.values()
    )
    for shape in (checked.data["train"].sample_shape, output_shape):
        memory["data"] += _gathering_bytes(spec, shape, samples, batch) * itemsize
    return memory


def _evaluation_bytes(spec: RunSpec, checked: Checked) -> int:
    """The validation's graph stays during the training; the others come one after the other."""
    dtype = spec.model.dtype
    most = samples_at_once(checked.nodes, dtype)
    sizes = {
        name: inference_memory(checked.nodes, dtype, min(info.samples or 0, most))
        for name, info in checked.data.items()
    }
    return max(sizes.values()) + sizes.get("validation", 0)


def _gathering_bytes(spec: RunSpec, shape: Shape, samples: int, batch: int) -> int:
    """Numbers of the training data held once more: all, or the batch that rows are gathered in."""
    if spec.training.batch_size is None or prod(shape) <= THIN:
        gathered = batch if spec.training.batch_size is not None else 0
        return prod(shape) * (samples + gathered)
    return prod(shape) * batch


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
