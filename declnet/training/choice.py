"""The choice between NumPy and compiled kernels, by an estimate of what NumPy would take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Literal

from declnet.contracts.network.layer import Layer
from declnet.contracts.returned import verified
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import Node
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.training.concurrency import concurrent_runs, usable_cores

WORTHWHILE = 2.0
"""NumPy training time in seconds, by `numpy_seconds`, from which `auto` uses compiled kernels. They
save at least half of it; loading them takes about 0.1 s, and compiling, once on a machine, 4 to 8
for what a model needs."""

CALL, PRODUCT, PARAMETER, NUMBER = 1.5e-6, 6e-11, 1.3e-9, 1e-9
"""Seconds that NumPy takes in a step, about: for a call with small arrays; for each multiplication
of a sample in a matrix product, both ways; to update a parameter; for each number of an output or
of a sample's workspace."""

OTHER_CALLS = 15
"""NumPy calls of a step outside of layers: the batch, the loss and the update."""


ChosenKernels = Literal["numpy", "jit"]
"""What `auto` may choose."""


@dataclass(frozen=True)
class KernelChoice:
    """Whether a run uses compiled kernels, and why.

    Attributes:
        kernels: what it uses.
        decided_by: the key of the spec, the run that is resumed, or the estimate.
        seconds: about how long the training takes with NumPy.
    """

    kernels: ChosenKernels
    decided_by: Literal["spec", "run", "estimate"]
    seconds: float


def choose_kernels(
    spec: RunSpec, model: Model, samples: int, stored: ChosenKernels | None = None
) -> KernelChoice:
    """Choose the kernels of a run.

    The choice depends on the spec and the data's size, never on how busy the machine is or what it
    has compiled before, so that the same run always makes the same choice.

    Args:
        stored: what the run has used before, if it is resumed.
    """
    seconds = numpy_seconds(spec, model, samples)
    if spec.engine.kernels != "auto":
        return KernelChoice(spec.engine.kernels, "spec", seconds)
    if stored is not None:
        return KernelChoice(stored, "run", seconds)
    return KernelChoice("jit" if seconds >= WORTHWHILE else "numpy", "estimate", seconds)


def usable_kernels(choice: KernelChoice, spec: RunSpec, registry: Registry) -> Kernels:
    """Return the kernels that a run may use, of those that are installed.

    The check of the spec reports demanded kernels that are missing.
    """
    if choice.kernels == "numpy":
        return Kernels(registry)
    threads = spec.engine.threads or (usable_cores() if concurrent_runs() is None else 1)
    return Kernels(registry, compiled=True, engine=spec.engine.type, threads=threads)


def numpy_seconds(spec: RunSpec, model: Model, samples: int) -> float:
    """Estimate how many seconds training takes with NumPy, to a factor of two or three.

    The estimate counts calls, multiplications and passes over memory.
    """
    training, nodes = spec.training, model.nodes
    batch = min(training.batch_size or samples, samples)
    steps = training.updates(samples) * training.accumulate
    parameters = len(model.store.vector)
    calls, multiplications = OTHER_CALLS, 0
    for node in nodes:
        calls += verified(Layer.numpy_calls, node.layer, node.input_shape)
        without_weights = verified(Layer.multiplications, node.layer, node.input_shape)
        multiplications += _with_weights(node) + without_weights
    of_samples = PRODUCT * multiplications + NUMBER * sum(map(_numbers, nodes))
    return steps * (CALL * calls + PARAMETER * parameters + batch * of_samples)


def _numbers(node: Node) -> int:
    """Return how many numbers of a sample the layer computes: its output and its workspace."""
    buffers = [w.shape for w in node.workspace.values() if w.per_sample and not w.constant]
    return sum(map(prod, (node.output_shape, *buffers)))


def _with_weights(node: Node) -> int:
    """Return the multiplications of a sample with weights of two axes or more.

    They take place at each position, e.g. in time or in an image: these are the axes of an input
    or the output that no axis of a weight is as long as. Integers are looked up instead.
    """
    if "integer" in node.input_dtypes[:1]:
        return 0
    weights = [Counter(array.shape) for array in node.parameters.values() if len(array.shape) > 1]
    shapes = [Counter(shape) for shape in (*node.input_shapes, node.output_shape)]
    positions = (prod((s - w).elements()) for w in weights for s in shapes if s & w)
    return max(positions, default=1) * sum(prod(w.elements()) for w in weights)
