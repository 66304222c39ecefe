"""One training step made by the components without kernels, all its numbers copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from declnet import (
    Array,
    ClipNorm,
    ClipValue,
    Layer,
    Regularizer,
    RunSpec,
    StepObserver,
    StepwiseTraining,
)
from declnet.inspection.tracing.differences import Differences, LossOfStep, compare, penalty_of
from declnet.inspection.tracing.starting import Start, TraceError
from declnet.inspection.tracing.trace import Trace, TracedLayer, TracedLoss, TracedParameter

SAMPLES = 3
"""Samples of a traced step by default."""


class _Copies(StepObserver):
    """A copy of everything a step computes."""

    rate: float

    def __init__(self) -> None:
        self.x: dict[str, Array] = {}
        self.losses_of: list[tuple[Array, Array, Array]] = []
        self.y: dict[str, Array] = {}
        self.dy: dict[str, Array] = {}
        self.gradient: dict[str, Array] = {}

    def begin(self, epoch: int, step: int, x: Any) -> None:  # noqa: ARG002
        by_name = x if isinstance(x, Mapping) else {"": x}
        self.x = {name: np.array(array) for name, array in by_name.items()}

    def forward(self, name: str, layer: Layer, y: Array) -> None:  # noqa: ARG002
        self.y[name] = np.array(y)

    def losses(self, y_pred: Array, y_true: Any, losses: Array, name: str) -> None:  # noqa: ARG002
        self.losses_of.append((np.array(y_pred), np.array(y_true), np.array(losses)))

    def backward(self, name: str, layer: Layer, dy: Array) -> None:  # noqa: ARG002
        self.dy[name] = np.array(dy)

    def gradients(
        self,
        parameters: Mapping[str, Array],  # noqa: ARG002
        gradients: Mapping[str, Array],
    ) -> None:
        self.gradient = {key: np.array(gradient) for key, gradient in gradients.items()}

    def updated(self, before: Mapping[str, Array], after: Mapping[str, Array], rate: float) -> None:  # noqa: ARG002
        self.rate = rate


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
    training, spec = start.training, start.training.spec
    streams = training.state()["layers"]
    positions, batch = training.next_batch()
    if samples is not None and samples > len(positions):
        size = "1 sample" if len(positions) == 1 else f"{len(positions)} samples"
        raise TraceError(f"the batch has {size}, not {samples}")
    count = min(len(positions), SAMPLES) if samples is None else samples
    model = spec.model.model_copy(update={"dtype": "float64"} if verify else {})
    length = spec.training.model_copy(update={"epochs": training.steps})
    step = training.with_samples(
        batch.with_arrays({name: array[:count] for name, array in batch.arrays.items()}),
        spec.model_copy(update={"model": model, "training": length}),
        by_components=True,
    )
    before, state_before = step.model.parameters(), _optimizer_arrays(step)
    copies = _Copies()
    step.advance(observer=copies)
    layers = _traced_layers(step, before, state_before, copies)
    data = step.samples()
    if verify:
        with np.errstate(all="ignore"):
            at = {"step": training.step + 1, "steps": training.steps, "epoch": training.epoch}
            loss = LossOfStep(step.model, before, spec, data, streams, **at)
            layers = _checked(layers, loss)
    return Trace(
        spec,
        start.origin,
        training.epoch,
        training.batch,
        training.step + 1,
        training.steps,
        np.array(positions[:count]),
        len(positions),
        str(step.model.dtype),
        copies.x,
        layers,
        tuple(
            TracedLoss(
                head.loss,
                head.name,
                head.label("loss"),
                head.weight,
                step.model.output(head.output).name,
                y_pred,
                y_true,
                losses,
                _mean(losses, data.weights),
            )
            for head, (y_pred, y_true, losses) in zip(spec.heads, copies.losses_of, strict=True)
        ),
        data.weights,
        copies.rate,
    )


def _mean(losses: Array, weights: Array | None) -> float:
    if weights is None:
        return float(losses.mean())
    return float(losses @ weights) / (float(weights.sum()) or 1.0)


def _optimizer_arrays(training: StepwiseTraining) -> dict[str, dict[str, Array]]:
    """Return copies of the optimizer's arrays by parameter and name."""
    arrays: dict[str, dict[str, Array]] = {}
    for key, array in training.state()["optimizer"].items():
        parameter, _, name = key.rpartition(":")
        arrays.setdefault(parameter, {})[name] = array
    return arrays


def _traced_layers(
    training: StepwiseTraining,
    before: Mapping[str, Array],
    state_before: Mapping[str, Mapping[str, Array]],
    copies: _Copies,
) -> tuple[TracedLayer, ...]:
    model, state_after = training.model, _optimizer_arrays(training)
    clipped = _clipped(training.spec, copies.gradient)
    parameters: dict[int, list[TracedParameter]] = {}
    for slot in model.store.slots:
        key, weights = slot.key, before[slot.key]
        regularizer = slot.parameter.regularizer if slot.is_trained() else None
        penalty, penalty_gradient = 0.0, None
        if regularizer is not None:
            penalty, penalty_gradient = _penalty(regularizer, weights)
        traced = TracedParameter(
            key,
            slot.name,
            weights,
            model.store.arrays[key].copy(),
            copies.gradient.get(key),
            clipped.get(key),
            regularizer,
            penalty,
            penalty_gradient,
            {
                name: (array, state_after[key][name])
                for name, array in state_before.get(key, {}).items()
            },
        )
        parameters.setdefault(slot.node, []).append(traced)
    values = {f"input.{name}" if name else "input": x for name, x in copies.x.items()} | copies.y
    return tuple(
        TracedLayer(
            node.name,
            node.layer,
            summary.inputs,
            tuple(values[name] for name in summary.inputs),
            copies.y[node.name],
            copies.dy.get(node.name),
            tuple(parameters.get(node.index, ())),
        )
        for node, summary in zip(model.nodes, model.summary(), strict=True)
    )


def _penalty(regularizer: Regularizer, weights: Array) -> tuple[float, Array]:
    gradient = np.zeros_like(weights)
    regularizer.add_gradient(weights, gradient)
    return float(regularizer.penalty(weights)), gradient


def _clipped(spec: RunSpec, gradients: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients after clipping; empty if nothing is clipped."""
    norm, value = spec.training.clip_norm, spec.training.clip_value
    if (norm is None and value is None) or not gradients:
        return {}
    flat = np.concatenate([gradient.reshape(-1) for gradient in gradients.values()])
    if value is not None:
        ClipValue(flat, value)()
    if norm is not None:
        ClipNorm(flat, norm)()
    ends = np.cumsum([gradient.size for gradient in gradients.values()])
    parts = np.split(flat, ends[:-1])
    return {
        key: part.reshape(gradient.shape)
        for (key, gradient), part in zip(gradients.items(), parts, strict=True)
    }


def _checked(layers: tuple[TracedLayer, ...], loss: LossOfStep) -> tuple[TracedLayer, ...]:
    """Return the layers with the central differences of each gradient."""
    checked: list[TracedLayer] = []
    for index, layer in reversed(list(enumerate(layers))):
        check = None
        if layer.dy is not None:
            check = compare([(loss.of_output(index), layer.dy)], layer.y, layer.name)
            if check.clipped:
                loss.linearize(index, layer.dy)
        parameters = tuple(
            replace(parameter, check=_differences(parameter, index, loss))
            for parameter in layer.parameters
        )
        checked.insert(0, replace(layer, check=check, parameters=parameters))
    return tuple(checked)


def _differences(parameter: TracedParameter, index: int, loss: LossOfStep) -> Differences | None:
    """Return the central differences of a parameter's gradient, of data loss and penalty apart."""
    gradient, of_penalty = parameter.gradient, parameter.penalty_gradient
    if gradient is None:
        return None
    of_loss = loss.of_parameter(index, parameter.key)
    parts = [(of_loss, gradient)]
    if parameter.regularizer is not None and of_penalty is not None:
        penalty = penalty_of(parameter.regularizer, parameter.before)
        parts = [(of_loss, gradient - of_penalty), (penalty, of_penalty)]
    return compare(parts, parameter.before, parameter.key)
