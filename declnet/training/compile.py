"""Compilation of a training run: its epochs, its updates, and the kernels they use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from declnet.contracts.arrays import MappedArray
from declnet.contracts.inputs import UNNAMED, by_name, for_each
from declnet.data.batches import (
    Batches,
    NamedSamples,
    Samples,
    VariedSamples,
    varied_inputs,
)
from declnet.errors import SpecError
from declnet.graph.adapting import adapt_parameters, adapting_slots
from declnet.graph.kernels import Kernels, engine_problem
from declnet.graph.model import Model
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update, clippings
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.streams import Stream, random_stream
from declnet.training.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch
from declnet.training.numerics import arithmetic_for
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
        raise SpecError(spec.source_map.locate(spec.source_map.as_written([problem])))
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
    batch, steps = (
        min(spec.training.batch_size or samples, samples),
        spec.training.updates(samples),
    )
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
        adapt: lets data-driven initializers see the first batch; to be called before the first
            step, and not if the training is resumed.
    """

    epoch: Epoch
    update: Update
    streams: list[np.random.Generator]
    batch: int
    kernels: Kernels
    adapt: Callable[[], None]


def compile_training(
    spec: RunSpec,
    model: Model,
    train: ReadyData,
    registry: Registry,
    kernels: Kernels | None = None,
) -> CompiledTraining:
    """Compile the training of a model, which is changed in place.

    Args:
        kernels: the kernels that may replace components; default: those that a run may use.

    Raises:
        SpecError: compiled kernels are demanded and there are none.
    """
    samples, batch_size = len(train), spec.training.batch_size
    batch, total = min(batch_size or samples, samples), spec.training.updates(samples)
    if kernels is None:
        kernels = kernels_for(spec, model, samples, registry)
    graph = TrainingGraph(model, spec.loss, batch, spec.seed, kernels, total)
    streams = graph.streams()
    epoch: Epoch
    if batch_size is None:
        epoch = FullBatchEpoch(graph, train)
    else:
        batches = Batches(samples, batch_size, spec.training.shuffle, spec.seed)
        if any(each.training_only for each in spec.data.prepare):
            streams.append(random_stream(spec.seed, Stream.AUGMENTATION))
        inputs = for_each(lambda x: x if isinstance(x, MappedArray) else Samples(x), train.x)
        varied = varied_inputs(train.x, spec.data.prepare)
        for_gathering: dict[str, Samples | MappedArray | VariedSamples] = {
            name: VariedSamples(each, varied[name], streams[-1]) if varied[name] else each
            for name, each in by_name(inputs).items()
        }
        named = isinstance(train.x, Mapping)
        gathered = NamedSamples(for_gathering) if named else for_gathering[UNNAMED]
        epoch = MiniBatchEpoch(graph, gathered, train, batches)
    update = Update(
        spec.optimizer,
        model.store.vector,
        graph.gradient,
        total,
        clippings(spec.training.clip_norm, spec.training.clip_value),
        kernels,
    )
    adapt = partial(_adapt, spec, model, epoch, streams, batch, registry)
    return CompiledTraining(epoch, update, streams, batch, kernels, adapt)


def _adapt(
    spec: RunSpec,
    model: Model,
    epoch: Epoch,
    streams: Sequence[np.random.Generator],
    batch: int,
    registry: Registry,
) -> None:
    """Adapt a model's parameters to the first batch, unless they come from a file.

    Random streams and shuffle are left as they were, so that the first step draws the same batch.
    """
    adapting = adapting_slots(model.nodes, registry.preferring(spec.model.preferred))
    if spec.model.initial_weights is not None or not adapting:
        return
    before = [each.bit_generator.state for each in streams]
    own = partial(random_stream, spec.seed, Stream.ADAPTATION)
    total = epoch.steps * spec.training.epochs
    with arithmetic_for(batch):
        adapt_parameters(model, adapting, epoch.first_inputs(), streams, own, total)
    for stream, state in zip(streams, before, strict=True):
        stream.bit_generator.state = state
