"""Tracing: one training step made by the components without kernels, all its numbers copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import Batch, input_value, wrapped
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.parameter import Regularizer
from declnet.contracts.runs.observer import StepObserver
from declnet.display.words import counted
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.step import Step
from declnet.graph.update import Update, clippings
from declnet.inspection.differences import Differences, ForwardPass, compare, penalty_of
from declnet.inspection.starting import Start, TraceError
from declnet.inspection.trace import Trace, TracedLayer, TracedLoss, TracedParameter
from declnet.spec.model import RunSpec
from declnet.training.compile import CompiledTraining
from declnet.training.compiled_steps import NonFiniteLossError
from declnet.training.culprits import culprit_of_step
from declnet.training.divergence import divergence
from declnet.training.evaluation import mean_loss
from declnet.training.numerics import arithmetic_for
from declnet.training.preparation import ReadyData, ReadySet
from declnet.training.state import put_back

SAMPLES = 3
"""Samples of a traced step by default."""


class _Copies(StepObserver):
    """A copy of everything a step computes."""

    x: Batch

    def __init__(self) -> None:
        self.of_losses: list[tuple[Array, Array, Array]] = []
        self.y: dict[str, Array] = {}
        self.dy: dict[str, Array] = {}
        self.grad: dict[str, Array] = {}

    def begin(self, epoch: int, step: int, x: Any) -> None:  # noqa: ARG002
        self.x = {name: np.array(array) for name, array in wrapped(x).items()}

    def forward(self, name: str, layer: Layer, y: Array) -> None:  # noqa: ARG002
        self.y[name] = np.array(y)

    def losses(self, y_pred: Array, y_true: Any, losses: Array, name: str) -> None:  # noqa: ARG002
        self.of_losses.append((np.array(y_pred), np.array(y_true), np.array(losses)))

    def backward(self, name: str, layer: Layer, dy: Array) -> None:  # noqa: ARG002
        self.dy[name] = np.array(dy)

    def gradients(
        self,
        parameters: Mapping[str, Array],  # noqa: ARG002
        gradients: Mapping[str, Array],
    ) -> None:
        self.grad = {key: np.array(each) for key, each in gradients.items()}


def trace(start: Start, samples: int | None = None, *, verify: bool = False) -> Trace:
    """Make the next step of a training on the first samples of its batch, and return its numbers.

    It is a whole step on these samples alone: the mean of the loss, batch statistics and the update
    come from them, so each number follows from others in the trace. No kernel is used.

    Args:
        start: the training; it cannot be continued afterwards.
        samples: the number of samples; default: 3, or all if the batch is smaller.
        verify: whether to compute in float64 and compare the gradients with central differences.

    Raises:
        TraceError: the batch has fewer samples.
        DivergenceError: the loss is NaN or infinite.
        ComponentError: a component raised an exception or violated its contract.
    """
    with attributing_errors(start.ready.registry):
        return _trace(start, samples, verify)


def _trace(start: Start, samples: int | None, verify: bool) -> Trace:
    ready = start.ready
    spec, trainer, trained = ready.spec, ready.trainer, ready.prepared.model
    state = trainer.state()
    train = ready.prepared.data["train"].whole
    positions, batch = trainer.next_batch()
    if samples is not None and samples > len(positions):
        raise TraceError(f"the batch has {counted(len(positions), 'sample')}, not {samples}")
    count = min(len(positions), SAMPLES) if samples is None else samples
    dtype = np.dtype("float64") if verify else trained.dtype
    model = Model(trained.network, dtype, spec.optimizer.groups)
    model.load_parameters(trained.store.arrays)
    data = _first(train, positions, batch, count, dtype)
    single = {"batch_size": None, "accumulate": 1, "epochs": trainer.steps, "max_steps": None}
    training = spec.training.model_copy(update=single)
    declared = spec.model_copy(update={"training": training})
    compiled = CompiledTraining(
        declared, model, ReadySet.in_memory(data), ready.registry, Kernels(), trainer.steps_an_epoch
    )
    compiled.enter(state.epoch)
    for stream, saved in zip(compiled.streams, state.layers, strict=False):  # no augmentation's
        stream.bit_generator.state = saved
    update = compiled.update
    optimizer = {name: each.astype(dtype) for name, each in state.optimizer.items()}
    put_back(optimizer, update.state, "the optimizer's")
    update.scale = state.learning_rate_scale
    before = model.parameters()
    state_before = _optimizer_state(model, update)
    copies = _Copies()
    try:
        with arithmetic_for(count):
            rate = compiled.epoch.run_observed(update, state.step, None, 0, copies, state.epoch)
    except NonFiniteLossError as error:
        for stream, saved in zip(compiled.streams, state.layers, strict=False):
            stream.bit_generator.state = saved
        bound, applied = compiled.component_step(state.epoch, 0, state.step)
        about = declared, model, ready.registry, bound, applied
        culprit = culprit_of_step(*about, number=state.step + 1)
        raise divergence(state.epoch, error.loss, culprit, ready.registry) from None
    traced = _Traced(spec, model, before, state_before, _optimizer_state(model, update), copies)
    layers = traced.layers()
    if verify:
        with np.errstate(all="ignore"):
            at = state.step + 1, trainer.steps
            passes = ForwardPass(model, before, spec.heads, data, state.layers, *at, state.epoch)
            layers = _checked(layers, passes)
    return Trace(
        spec,
        start.origin,
        state.epoch,
        state.batch,
        state.step + 1,
        trainer.steps,
        np.array(positions[:count]),
        len(positions),
        str(dtype),
        copies.x,
        layers,
        tuple(
            TracedLoss(
                head, model.output(head.output).name, *own, mean_loss(own[-1], data.weights)[0]
            )
            for head, own in zip(spec.heads, copies.of_losses, strict=True)
        ),
        data.weights,
        rate,
    )


def _first(
    train: ReadyData, positions: Array, batch: Step, count: int, dtype: np.dtype[Any]
) -> ReadyData:
    """Return the first samples of a batch, floats in another type."""

    def first(array: Array) -> Array:
        return np.array(array[:count], dtype if array.dtype.kind == "f" else array.dtype)

    return ReadyData(
        {name: first(array) for name, array in batch.x.items()},
        tuple(y[positions[:count]] for y in train.y),
        tuple(map(first, batch.y_true)),
        first(batch.weights) if batch.weights is not None else None,
    )


def _optimizer_state(model: Model, update: Update) -> dict[str, dict[str, Array]]:
    """Return copies of the optimizer's arrays by parameter and name, in the parameters' shapes."""
    return {
        slot.key: {name: each.copy() for name, each in update.state_of(slot).items()}
        for slot in model.store.slots
        if slot.is_trained()
    }


@dataclass(frozen=True, eq=False)
class _Traced:
    """The arrays that a step left, by name and key."""

    spec: RunSpec
    model: Model
    before: Mapping[str, Array]
    state_before: Mapping[str, Mapping[str, Array]]
    state_after: Mapping[str, Mapping[str, Array]]
    copies: _Copies

    def layers(self) -> tuple[TracedLayer, ...]:
        clipped = self._clipped()
        parameters: dict[int, list[TracedParameter]] = {}
        for slot in self.model.store.slots:
            regularizer = slot.parameter.regularizer if slot.is_trained() else None
            found = self._parameter(slot.key, slot.name, regularizer, clipped)
            parameters.setdefault(slot.node, []).append(found)
        names = [node.name for node in self.model.nodes]
        reads = {
            node.name: list(zip(node.inputs, node.reads, strict=True)) for node in self.model.nodes
        }
        return tuple(
            TracedLayer(
                node.name,
                node.layer,
                tuple(
                    names[value - 1] if read is None else input_value(read)
                    for value, read in reads[node.name]
                ),
                tuple(
                    self.copies.y[names[value - 1]] if read is None else self.copies.x[read]
                    for value, read in reads[node.name]
                ),
                self.copies.y[node.name],
                self.copies.dy.get(node.name),
                tuple(parameters.get(node.index, ())),
            )
            for node in self.model.nodes
        )

    def _parameter(
        self, key: str, name: str, regularizer: Regularizer | None, clipped: Mapping[str, Array]
    ) -> TracedParameter:
        before = self.before[key]
        penalty, of_penalty = 0.0, None
        if regularizer is not None:
            penalty, of_penalty = float(regularizer.penalty(before)), np.zeros_like(before)
            regularizer.add_gradient(before, of_penalty)
        state = {
            each: (array, self.state_after[key][each])
            for each, array in self.state_before.get(key, {}).items()
        }
        return TracedParameter(
            key,
            name,
            before,
            self.model.store.arrays[key].copy(),
            self.copies.grad.get(key),
            clipped.get(key),
            regularizer,
            penalty,
            of_penalty,
            state,
        )

    def _clipped(self) -> dict[str, Array]:
        """Return the gradients after clipping; empty if nothing is clipped."""
        training = self.spec.training
        clips = clippings(training.clip_norm, training.clip_value)
        gradients = self.copies.grad
        if not clips or not gradients:
            return {}
        flat = np.concatenate([gradient.reshape(-1) for gradient in gradients.values()])
        for clip in clips:
            clip(flat)()
        ends = np.cumsum([gradient.size for gradient in gradients.values()])
        parts = np.split(flat, ends[:-1])
        return {
            key: part.reshape(each.shape)
            for (key, each), part in zip(gradients.items(), parts, strict=True)
        }


def _checked(layers: tuple[TracedLayer, ...], passes: ForwardPass) -> tuple[TracedLayer, ...]:
    """Return the layers with the central differences of each gradient."""
    found: list[TracedLayer] = []
    for index, layer in reversed(list(enumerate(layers))):
        check = None
        if layer.dy is not None:
            check = compare([(passes.of_value(index + 1), layer.dy)], layer.y, layer.name)
            if check.clipped:
                passes.take_slope(index + 1, layer.dy)
        parameters = tuple(
            replace(parameter, check=_differences(parameter, index, passes))
            for parameter in layer.parameters
        )
        found.insert(0, replace(layer, check=check, parameters=parameters))
    return tuple(found)


def _differences(each: TracedParameter, index: int, passes: ForwardPass) -> Differences | None:
    """Return the central differences of a parameter's gradient, of data loss and penalty apart."""
    if each.gradient is None:
        return None
    function = passes.of_parameter(index, each.key)
    if each.regularizer is None or each.penalty_gradient is None:
        return compare([(function, each.gradient)], each.before, each.key)
    of_data = each.gradient - each.penalty_gradient
    penalty = penalty_of(each.regularizer, each.before)
    parts = [(function, of_data), (penalty, each.penalty_gradient)]
    return compare(parts, each.before, each.key)
