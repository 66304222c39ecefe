"""Compiles a training: what an epoch computes, and what an update does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from declnet.data.augmentation import VariedSamples
from declnet.data.batches import Batches
from declnet.data.gathering import samples_of
from declnet.graph.clipping import clippings
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update
from declnet.registry.registry import Registry
from declnet.spec.model import RunSpec
from declnet.spec.streams import Stream, random_stream
from declnet.training.engine import kernels_for
from declnet.training.epochs import Epoch, FullBatchEpoch, MiniBatchEpoch
from declnet.training.ready_data import ReadyData


@dataclass(frozen=True, eq=False)
class CompiledTraining:
    """All that computes, bound to its arrays.

    Attributes:
        epoch: runs epochs.
        update: applies the optimizer.
        streams: the random streams that steps draw from.
        batch: samples a step.
        kernels: those that may take components' places, and those that have.
    """

    epoch: Epoch
    update: Update
    streams: list[np.random.Generator]
    batch: int
    kernels: Kernels


def compile_training(
    spec: RunSpec, model: Model, train: ReadyData, registry: Registry
) -> CompiledTraining:
    """Compiles the training of a model, which is changed in place.

    Args:
        train: the training data.
        registry: where kernels are looked up.

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
        inputs = samples_of(train.x)
        varying = [each for each in spec.data.prepare if each.training_only]
        if varying:
            streams.append(random_stream(spec.seed, Stream.AUGMENTATION))
            inputs = VariedSamples(inputs, varying, streams[-1])
        epoch = MiniBatchEpoch(graph, inputs, train, batches)
    update = Update(
        spec.optimizer,
        model.store.vector,
        graph.gradient,
        epoch.steps * spec.training.epochs,
        clippings(spec.training.clip_norm, spec.training.clip_value),
        kernels,
    )
    return CompiledTraining(epoch, update, streams, batch, kernels)
