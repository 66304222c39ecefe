"""Compilation of a training run: its epochs, its updates, and the kernels they use."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from declnet.contracts.arrays import MappedArray
from declnet.data.batches import Batches, Gathered, Samples, VariedSamples
from declnet.errors import SpecError
from declnet.graph.kernels import Kernels, engine_problem
from declnet.graph.model import Model
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import GroupedUpdate, Update, bound_update, clippings
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.streams import Stream, random_stream
from declnet.training.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch
from declnet.training.preparation import ReadyData

WORTHWHILE = 4.0
"""NumPy training time in seconds, by `numpy_seconds`, from which `auto` uses compiled kernels. They
save at least half of it; loading takes one second, and compiling, once per machine, up to three."""


def kernels_for(spec: RunSpec, model: Model, samples: int, registry: Registry) -> Kernels:
    """Return the kernels that a run may use; no compiled ones if NumPy is to be used.

    The choice depends on the spec, the data's size and what is installed, never on how busy the
    machine is, so that the same run always makes the same choice.

    Raises:
        SpecError: compiled kernels are demanded and there are none.
    """
    problem = engine_problem(spec.engine.kernels, registry)
    if problem is not None:
        raise SpecError(spec.source_map.locate([problem]))
    choice = spec.engine.kernels
    if choice == "numpy":
        return Kernels(registry)
    worthwhile = choice != "auto" or numpy_seconds(spec, model, samples) >= WORTHWHILE
    return Kernels(registry, compiled=worthwhile)


def numpy_seconds(spec: RunSpec, model: Model, samples: int) -> float:
    """Estimate how many seconds training takes with NumPy on a machine with two cores.

    The estimate counts calls, multiplications and memory passes; for dense layers it is accurate to
    a factor of two or three.
    """
    batch = min(spec.training.batch_size or samples, samples)
    steps = spec.training.epochs * -(-samples // batch)
    parameters = len(model.store.vector)
    outputs = sum(prod(node.output_shape) for node in model.nodes)
    calls = 12 + 6 * len(model.nodes)
    step = 1e-6 * calls + 6e-11 * batch * parameters + 1.3e-9 * parameters + 1e-9 * batch * outputs
    return steps * step


@dataclass(frozen=True, eq=False)
class CompiledTraining:
    """A compiled training run, bound to its arrays.

    Attributes:
        streams: the random streams that steps draw from.
        kernels: the kernels that may replace components, and those that have.
    """

    epoch: Epoch
    update: Update | GroupedUpdate
    streams: list[np.random.Generator]
    batch: int
    kernels: Kernels


def compile_training(
    spec: RunSpec, model: Model, train: ReadyData, registry: Registry
) -> CompiledTraining:
    """Compile the training of a model, which is changed in place.

    Raises:
        SpecError: compiled kernels are demanded and there are none.
    """
    samples, batch_size = len(train), spec.training.batch_size
    batch = min(batch_size or samples, samples)
    kernels = kernels_for(spec, model, samples, registry)
    graph = TrainingGraph(model, spec.loss, batch, spec.seed, kernels)
    streams = graph.streams()
    epoch: Epoch
    if batch_size is None:
        epoch = FullBatchEpoch(graph, train)
    else:
        batches = Batches(samples, batch_size, spec.training.shuffle, spec.seed)
        whole = train.x if isinstance(train.x, MappedArray) else Samples(train.x)
        inputs: Gathered = whole
        varying = [each for each in spec.data.prepare if each.training_only]
        if varying:
            streams.append(random_stream(spec.seed, Stream.AUGMENTATION))
            inputs = VariedSamples(whole, varying, streams[-1])
        epoch = MiniBatchEpoch(graph, inputs, train, batches)
    update = bound_update(
        spec.optimizer,
        model.store,
        graph.gradient,
        epoch.steps * spec.training.epochs,
        clippings(spec.training.clip_norm, spec.training.clip_value),
        kernels,
    )
    return CompiledTraining(epoch, update, streams, batch, kernels)
