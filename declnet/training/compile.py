"""Compilation of a training run: its epochs, its updates, and the kernels they use."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.data.transform import Transform
from declnet.data.batches import (
    Batches,
    BatchOrder,
    GatheredArray,
    Samples,
    VariedSamples,
    WholeSamples,
    varied_inputs,
)
from declnet.graph.adapting import (
    adapt_parameters,
    adapting_slots,
    recompute_statistics,
    samples_to_adapt,
)
from declnet.graph.gradients import GradientMean
from declnet.graph.kernels import Kernels
from declnet.graph.step import Step
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.update import Update, clippings
from declnet.spec.streams import Stream, random_stream
from declnet.training.epochs import Epoch, GatheredSet
from declnet.training.numerics import arithmetic_for
from declnet.training.preparation import Prepared, ReadyData, ReadySet
from declnet.training.state import StateError, TrainingState, put_back
from declnet.training.streaming import StreamedBatches


class CompiledTraining:
    """The compiled training of a model, which is changed in place.

    The layers that are trained may differ between epochs; `enter` compiles the graph for an
    epoch, with the same random streams, order of samples and state of the optimizer.

    Args:
        kernels: the kernels that may replace components.
        epoch_updates: number of updates in an epoch, if these samples and batches give another: an
            optimizer counts the updates of a layer that is frozen at first from them.

    Attributes:
        epoch: runs an epoch in which the same layers are trained as in the one entered last.
        update: the optimizer.
        streams: the random streams that steps draw from.
        batch: the batch size; the last batch of an epoch may be smaller.
        kernels: the kernels that may replace components, and those that have.
        changes: the epochs from which on more layers are trained than before, in order.
        mean: the gradient of the batches since the last update; None without accumulation.
    """

    def __init__(
        self,
        prepared: Prepared,
        kernels: Kernels,
        epoch_updates: int | None = None,
    ) -> None:
        spec, model, train = prepared.spec, prepared.model, prepared.data["train"]
        training, samples = spec.training, len(train)
        self._spec, self._model, self._registry = spec, model, prepared.registry
        self.batch = min(training.batch_size or samples, samples)
        self._total = training.updates(samples)
        self.kernels = kernels
        self.mean = GradientMean(model.store.vector) if training.accumulate > 1 else None
        self.changes = sorted({region.from_epoch for region in model.store.regions} - {0})
        self._phase = 0
        self._graph = self._graph_of(0, self.kernels)
        self.streams = self._graph.streams()
        self._batches, self._data = self._batches_and_data(train)
        self.epoch = self._bound_epoch()
        self._updates = epoch_updates or self.epoch.updates
        self.update = self._bound_update(self.kernels)
        self._attach()

    def _graph_of(
        self, epoch: int, kernels: Kernels, before: TrainingGraph | None = None
    ) -> TrainingGraph:
        """Compile the graph of an epoch, which takes over what the one before it has."""
        return TrainingGraph(
            self._model,
            self._spec.heads,
            self.batch,
            self._spec.seed,
            kernels,
            self._total,
            epoch,
            before,
            self.mean,
        )

    def _batches_and_data(self, train: ReadySet) -> tuple[BatchOrder, GatheredSet]:
        """Return the order of the batches, and the data that they are gathered from."""
        training, seed = self._spec.training, self._spec.seed
        whole = training.batch_size is None and train.window is None
        shuffle = training.shuffle and not whole
        batches: BatchOrder
        if train.window is None:
            batches = Batches(len(train), self.batch, shuffle, seed, training.drop_last)
            samples = train.whole
        else:
            batches = StreamedBatches(train, self.batch, shuffle, seed, training.drop_last)
            samples = batches.samples
        transforms = self._spec.data.prepare
        varying = (
            [] if whole else [transform for transform in transforms if transform.training_only]
        )
        if varying:
            self.streams.append(random_stream(seed, Stream.AUGMENTATION))
        return batches, _gathered(samples, whole, varying, self.streams[-1:])

    def _bound_epoch(self) -> Epoch:
        group = self._spec.training.accumulate
        return Epoch(self._graph, self._data, self._batches, group, self.mean)

    def _bound_update(self, kernels: Kernels) -> Update:
        training, optimizer, store = self._spec.training, self._spec.optimizer, self._model.store
        limits = clippings(training.clip_norm, training.clip_value)
        gradient, total = self._graph.gradient, self._total
        return Update(optimizer, store, gradient, total, self._updates, limits, kernels)

    def enter(self, epoch: int) -> None:
        """Prepare for an epoch, counted from 0; call it before each one."""
        phase = bisect_right(self.changes, epoch)
        if phase == self._phase:
            return
        self._phase = phase
        self._graph = self._graph_of(epoch, self.kernels, self._graph)
        self.epoch = self._bound_epoch()
        self.update.enter(epoch)
        self._attach()

    def _attach(self) -> None:
        """Let the engine, if there is one, run the steps of the epochs that begin."""
        engine = self.kernels.engine
        if engine is not None:
            self.epoch.attach(self.update, engine, self.kernels.threads)

    def same_until(self, epoch: int) -> int | None:
        """Return the next epoch that trains other layers than this one; None if none does."""
        phase = bisect_right(self.changes, epoch)
        return self.changes[phase] if phase < len(self.changes) else None

    def state(self, epoch: int, batch: int, step: int) -> TrainingState:
        """Return everything that decides on the following steps, as live arrays and plain values.

        Args:
            epoch: the epoch in progress, or the next one.
            batch: finished batches of that epoch.
            step: updates made.
        """
        mean = self.mean if self.is_in_group(batch) else None
        return TrainingState(
            epoch,
            batch,
            step,
            dict(self._model.store.arrays),
            dict(self.update.state),
            self.update.scale,
            self.epoch.order(),
            [dict(stream.bit_generator.state) for stream in self.streams],
            None,
            mean.state() if mean is not None else None,
        )

    def restore(self, state: TrainingState) -> None:
        """Put back a state, whose epoch was entered; metrics are not restored.

        Raises:
            StateError: the state is from another model, optimizer or data.
        """
        if (state.gradient is not None) != self.is_in_group(state.batch):
            raise StateError("accumulate changed since this checkpoint was written")
        try:
            if self.mean is not None and state.gradient is not None:
                self.mean.restore(state.gradient)
            self.epoch.restore_order(state.order)
        except ValueError as error:
            raise StateError(f"the checkpoint does not fit: {error}") from None
        put_back(state.parameters, self._model.store.arrays, "parameter")
        put_back(state.optimizer, self.update.state, "the optimizer's")
        for stream, saved in zip(self.streams, state.layers, strict=True):
            stream.bit_generator.state = saved
        self.update.scale = state.learning_rate_scale

    def is_in_group(self, batch: int) -> bool:
        """Return whether a batch is preceded by others whose gradients await its update."""
        return batch % self._spec.training.accumulate != 0

    def component_step(self, epoch: int, batch: int, step: int) -> tuple[Step, Update]:
        """Bind the next step to the components themselves, without kernels and engine.

        The step and its update change the training as the compiled ones do, except for the
        optimizer's state.

        Args:
            step: updates made.
        """
        if self.mean is not None and not self.is_in_group(batch):
            self.mean.begin()
        _, gathered = self.epoch.gathered(batch)
        graph = self._graph_of(epoch, Kernels(), self._graph)
        graph.schedules.begin(step + 1)
        update = self._bound_update(Kernels())
        update.enter(epoch)
        put_back(self.update.state, update.state, "the optimizer's")
        update.scale = self.update.scale
        return graph.step(gathered.x, gathered.y_true, gathered.weights), update

    def adapt(self) -> None:
        """Let data-driven initializers see the first samples, unless parameters are from a file.

        To be called before the first step, and not if the training is resumed. Random streams and
        shuffle are left as they were, so that the first step draws the same batch.
        """
        spec, model, streams = self._spec, self._model, self.streams
        adapting = adapting_slots(model.nodes, self._registry.preferring(spec.model.preferred))
        adapting = [entry for entry in adapting if entry[0].key not in model.loaded]
        if not adapting:
            return
        rng_of = partial(random_stream, spec.seed, Stream.ADAPTATION)
        with self._as_before(), arithmetic_for(self.batch):
            inputs = self.epoch.first_inputs(samples_to_adapt(adapting, self.batch))
            adapt_parameters(model, adapting, inputs, streams, rng_of, self._total)

    def recompute_statistics(self, epoch: int, step: int) -> None:
        """Replace running statistics by their means over the batches of the training data.

        Uses the batches and random numbers of the next epoch, which later has them too.

        Args:
            epoch: decides on the layers that are frozen, whose statistics do not change.
            step: decides on the values of scheduled fields.
        """
        inputs = (self.epoch.gathered(batch)[1].x for batch in range(self.epoch.steps))
        with self._as_before(), arithmetic_for(self.batch):
            recompute_statistics(
                self._model, inputs, self.batch, self.streams, self._total, epoch, step
            )

    @contextmanager
    def _as_before(self) -> Iterator[None]:
        """Put random streams and the order of samples back at the end."""
        streams = [stream.bit_generator.state for stream in self.streams]
        order = self.epoch.order()
        try:
            yield
        finally:
            self.epoch.restore_order(order)
            for stream, state in zip(self.streams, streams, strict=True):
                stream.bit_generator.state = state


def _gathered(
    train: ReadyData,
    whole: bool,
    varying: Sequence[Transform],
    rngs: Sequence[np.random.Generator],
) -> GatheredSet:
    """Return training data from which batches are gathered, or `whole` as a single batch."""

    def parted(array: Array | MappedArray) -> Samples | MappedArray:
        return array if isinstance(array, MappedArray) else Samples(array)

    held: Callable[[Array | MappedArray], GatheredArray] = WholeSamples if whole else parted
    varied = varied_inputs(train.x, varying)
    return GatheredSet(
        {
            name: VariedSamples(parted(x), varied[name], *rngs) if varied[name] else held(x)
            for name, x in train.x.items()
        },
        tuple(map(held, train.y_true)),
        None if train.weights is None else held(train.weights),
        train.y,
    )
