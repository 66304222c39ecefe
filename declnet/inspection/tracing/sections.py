"""The contents of a trace, in order: sections of equations, sentences and arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array, Component
from declnet.inspection.tracing.differences import TOLERANCE, Differences
from declnet.inspection.tracing.equations import equations, gradient_equations, settings
from declnet.inspection.tracing.numbers import is_large
from declnet.inspection.tracing.trace import (
    Trace,
    TracedLayer,
    TracedLoss,
    TracedParameter,
    suspects,
)

EXAMPLES = 3
"""Elements of a large gradient that are listed with their central differences."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array with its name.

    Attributes:
        repeated: whether the same numbers come before, so that a large array need not be shown.
    """

    label: str
    array: Array
    repeated: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the trace.

    Attributes:
        title: its heading.
        chapter: whether it begins a chapter, e.g. the backward pass.
        equations: lines of docstrings.
        arrays: the numbers, in the order of the calculation.
        notes: sentences and sums below them.
    """

    title: str
    chapter: bool = False
    equations: tuple[str, ...] = ()
    arrays: tuple[Numbers, ...] = ()
    notes: tuple[str, ...] = ()


def sections(trace: Trace, layers: Sequence[str] = ()) -> Iterator[Section]:
    """Yield the parts of a trace, of these layers alone if any are named."""
    shown = [layer for layer in trace.layers if not layers or layer.name in layers]
    yield Section(_title(trace), notes=tuple(_introduction(trace)))
    yield Section("Forward", True)
    if not layers:
        for name, x in trace.x.items():
            yield Section(f"input.{name}" if name else "input", arrays=(Numbers("x", x),))
    yield from map(_forward, shown)
    if not layers:
        yield Section("Loss", True)
        yield from (_loss(loss, trace) for loss in trace.losses)
        yield from (
            _penalty(parameter)
            for parameter in trace.parameters
            if parameter.regularizer is not None
        )
        yield Section("loss", notes=tuple(_sum(trace)))
    yield Section("Backward", True)
    yield from (_backward(layer, trace) for layer in reversed(shown))
    yield Section("Update", True)
    yield _optimizer(trace)
    for layer in shown:
        yield from map(_updated, layer.parameters)
    if trace.checks:
        yield Section("Verification", True)
        yield Section("central differences", notes=tuple(verdict(trace)))


def number(value: float) -> str:
    """Format a single number: four decimals, or an exponent if it is very small or large."""
    return f"{value:.4f}" if not value or 1e-3 <= abs(value) < 1e5 else f"{value:.4e}"


def verdict(trace: Trace) -> Iterator[str]:
    """Yield sentences on all comparisons with central differences."""
    worst = max(trace.checks, key=lambda check: check.error)
    compared = sum(check.compared for check in trace.checks)
    skipped = sum(check.kinks for check in trace.checks)
    at_kinks = f" {skipped} more are at kinks of the loss and were skipped." if skipped else ""
    wrong = [check for check in trace.checks if not check.passed]
    if not wrong:
        yield (
            f"All {compared} elements compared, of {_gradients(len(trace.checks))}, agree "
            f"with central differences: the largest relative error is {worst.error:.1e}, in "
            f"{_label(worst)}.{at_kinks}"
        )
        return
    yield (
        f"{_gradients(len(wrong))} of {len(trace.checks)} differ from central differences "
        f"by more than {TOLERANCE:.0e}, relative to the largest element:"
    )
    for check in wrong:
        yield f"  {_label(check)}: relative error {check.error:.1e}, at {list(check.worst or ())}"
    yield f"The error is in the backward pass of {', '.join(suspects(trace))}."


def _gradients(count: int) -> str:
    return "1 gradient" if count == 1 else f"{count} gradients"


def _label(check: Differences) -> str:
    return check.name if "." in check.name else f"dy of {check.name}"


def _title(trace: Trace) -> str:
    name = f"{trace.spec.name}: " if trace.spec.name else ""
    return f"{name}update {trace.step} of {trace.steps}"


def _introduction(trace: Trace) -> Iterator[str]:
    count, whole = len(trace.positions), trace.batch_size
    positions = ", ".join(map(str, trace.positions.tolist()))
    some = f"all {whole}" if count == whole else f"the first {count} of the {whole}"
    yield (
        f"Epoch {trace.epoch}, batch {trace.batch} (both from 0): {some} samples of the batch, at "
        f"positions {positions} of the training data."
    )
    if count < whole:
        yield (
            "The step is made on these samples alone: means, gradients and the update are theirs, "
            "so each number follows from others shown here."
        )
    yield f"{trace.origin[0].upper()}{trace.origin[1:]}."
    dtype = trace.spec.model.dtype
    instead = f", not the spec's {dtype}, to verify gradients" if trace.dtype != dtype else ""
    yield f"Computed in {trace.dtype}{instead}, layer by layer; shown are four decimals."


def _declared(component: Component) -> str:
    values = settings(component).items()
    shown = ", ".join(f"{name} = {_value(value)}" for name, value in values)
    return f"{component.type}{f' ({shown})' if shown else ''}"


def _value(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _forward(layer: TracedLayer) -> Section:
    several = len(layer.inputs) > 1
    reads = [
        Numbers(
            f"x_{at + 1}: {_source(source)}" if several else f"x: {_source(source)}", array, True
        )
        for at, (source, array) in enumerate(zip(layer.inputs, layer.x, strict=True))
    ]
    parameters = [Numbers(parameter.name, parameter.before) for parameter in layer.parameters]
    return Section(
        f"{layer.name}: {_declared(layer.layer)}",
        equations=equations(layer.layer),
        arrays=(*reads, *parameters, Numbers("y", layer.y)),
    )


def _source(name: str) -> str:
    if name == "input":
        return "the input"
    return name if name.startswith("input.") else f"y of {name}"


def _loss(traced: TracedLoss, trace: Trace) -> Section:
    weights = () if trace.weights is None else (Numbers("sample weights", trace.weights),)
    name, loss = traced.name, traced.loss
    return Section(
        f"{name}: {_declared(loss)}" if name else _declared(loss),
        equations=equations(loss),
        arrays=(
            Numbers(f"y_pred: y of {traced.output}" if name else "y_pred", traced.y_pred, True),
            Numbers("y_true", traced.y_true),
            Numbers("losses", traced.losses),
            *weights,
        ),
        notes=(f"{_loss_name(traced)} = {_mean_of(trace)} = {number(traced.mean)}",),
    )


def _loss_name(traced: TracedLoss) -> str:
    return traced.label if traced.name else "data loss"


def _mean_of(trace: Trace) -> str:
    if trace.weights is not None:
        return "sum(weights * losses) / sum(weights)"
    return f"sum(losses) / {len(trace.positions)}"


def _penalty(parameter: TracedParameter) -> Section:
    regularizer: Any = parameter.regularizer
    return Section(
        f"penalty of {parameter.key}: {_declared(regularizer)}",
        equations=equations(regularizer),
        notes=(f"penalty = {number(parameter.penalty)}",),
    )


def _sum(trace: Trace) -> Iterator[str]:
    if trace.losses[0].name:
        parts = [f"{loss.weight:g} * {_loss_name(loss)}" for loss in trace.losses]
        yield f"data loss = {' + '.join(parts)} = {number(trace.data_loss)}"
    yield (
        f"loss = data loss + penalties = {number(trace.data_loss)} + {number(trace.penalty)} = "
        f"{number(trace.loss)}"
    )


def _backward(layer: TracedLayer, trace: Trace) -> Section:
    title = f"{layer.name}: {layer.layer.type}"
    if layer.dy is None:
        return Section(title, notes=("nothing before it is trained, so it has no backward pass",))
    arrays, notes = _with_differences(f"dy {_origin_of_dy(layer, trace)}", layer.dy, layer.check)
    penalized = []
    for parameter in layer.parameters:
        if parameter.gradient is None:
            continue
        if parameter.penalty_gradient is not None:
            penalized.append(f"d{parameter.name} += the gradient of its penalty")
            arrays.append(
                Numbers(f"of the penalty of {parameter.name}", parameter.penalty_gradient)
            )
        more, remarks = _with_differences(f"d{parameter.name}", parameter.gradient, parameter.check)
        arrays, notes = arrays + more, notes + remarks
    losses = [loss for loss in trace.losses if loss.output == layer.name]
    lines = [line for loss in losses for line in _loss_gradient(loss, trace)]
    stated = (*lines, *gradient_equations(layer.layer), *penalized)
    return Section(title, equations=stated, arrays=tuple(arrays), notes=tuple(notes))


def _with_differences(
    label: str, gradient: Array, check: Differences | None
) -> tuple[list[Numbers], list[str]]:
    """Return a gradient, its central differences, and notes on them."""
    arrays, name = [Numbers(label, gradient)], label.partition(" ")[0]
    if check is None:
        return arrays, []
    notes = [_compared(name, check)]
    if not is_large(gradient):
        arrays.append(Numbers("central differences", check.numeric))
    else:
        known = sorted(
            np.argwhere(np.isfinite(check.numeric)), key=lambda index: -abs(gradient[tuple(index)])
        )
        notes += [
            f"  {name}{index.tolist()} = {number(gradient[tuple(index)])}, "
            f"central difference {number(check.numeric[tuple(index)])}"
            for index in known[:EXAMPLES]
        ]
    return arrays, notes


def _loss_gradient(traced: TracedLoss, trace: Trace) -> tuple[str, ...]:
    weight = f" * {traced.weight:g}" if traced.weight != 1 else ""
    divided = "* weights / sum(weights)" if trace.weights is not None else f"/ {len(traced.losses)}"
    factor = f"dy_pred{weight} {divided}"
    several = len(trace.losses) > 1
    target = f", for {_loss_name(traced)}" if several else ", for the mean of the losses"
    return (*gradient_equations(traced.loss), f"dy = {factor}{target}")


def _origin_of_dy(layer: TracedLayer, trace: Trace) -> str:
    readers = [f"dx of {other.name}" for other in trace.layers if layer.name in other.inputs]
    losses = [loss.loss.type for loss in trace.losses if loss.output == layer.name]
    if not readers:
        return f"from {' + '.join(losses)}"
    return f"= {' + '.join([*losses, *readers])}"


def _compared(name: str, check: Differences) -> str:
    """Return a sentence on a comparison with central differences."""
    text = f"{name}: {check.compared} of {check.numeric.size} elements compared"
    if check.compared:
        agree = "" if check.passed else f", more than {TOLERANCE:.0e}: WRONG"
        text += f", largest relative error {check.error:.1e}{agree}"
    if check.kinks:
        text += f"; {check.kinks} skipped at kinks, where the slopes to both sides differ"
    if check.clipped:
        text += (
            f"; {check.clipped} skipped where the loss is clipped, so it is constant, but its "
            "gradient is not 0; the differences below are of sum(dy * y_pred)"
        )
    return text


def _optimizer(trace: Trace) -> Section:
    optimizer = trace.spec.optimizer
    training = trace.spec.training
    notes = [f"step = {trace.step}, learning_rate = {trace.rate:.6g}"]
    rate: Any = optimizer.learning_rate
    if isinstance(rate, Component):
        notes.append(f"from the schedule {_declared(rate)}: {' '.join(equations(rate))}")
    elif optimizer.decay:
        notes.append(f"= {rate:g} / (1 + {optimizer.decay:g} * (step - 1))")
    if training.clip_value is not None:
        notes.append(f"each element of the gradient is clipped to ±{training.clip_value:g}")
    if training.clip_norm is not None:
        notes.append(
            "the whole gradient is scaled down if its Euclidean norm is above "
            f"{training.clip_norm:g}"
        )
    return Section(_declared(optimizer), equations=equations(optimizer), notes=tuple(notes))


def _updated(parameter: TracedParameter) -> Section:
    arrays = [Numbers("before", parameter.before)]
    if parameter.gradient is None:
        return Section(
            parameter.key,
            arrays=(*arrays, Numbers("after", parameter.after)),
            notes=("not trained by the optimizer",),
        )
    if parameter.clipped is not None:
        arrays.append(Numbers("dw, clipped", parameter.clipped))
    else:
        arrays.append(Numbers("dw", parameter.gradient, True))
    for name, (before, after) in parameter.state.items():
        arrays += [Numbers(f"{name} before", before), Numbers(f"{name} after", after)]
    return Section(parameter.key, arrays=(*arrays, Numbers("after", parameter.after)))
