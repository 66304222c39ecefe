"""What a layer promises: shapes, gradients, memory, passes, and the traits that it declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.layer import Layer
from declnet.components.output_range import OutputRange
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.common_checks import (
    FILLS_ARRAYS,
    USED_ONCE,
    keeps_uses_apart,
    leaves_inputs_alone,
    require_alike,
    uses_declared_state,
)
from declnet.testing.comparison import Function, difference, require_gradient
from declnet.testing.harness import ShapeRefusedError
from declnet.testing.layer_harness import (
    LayerHarness,
    accepted_shapes,
    batch_of,
    candidate_shapes,
    failing_pass,
    harnesses,
    infer_chain,
    refusal,
    shapes_of,
    working_shapes,
)
from declnet.testing.trial import USUAL, WHOLE

FEW = 3
"""Samples for gradients, whose elements may be compared one by one."""

RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 300.0), (-300.0, 300.0))
"""Inputs for which outputs must be in a layer's range."""


@check
def declares_what_the_graph_allocates(subject: Subject) -> None:
    """Gives output shapes, parameters and workspace that a graph can allocate, always the same."""
    layer: Layer = subject.instance
    for shape in candidate_shapes(layer):
        try:
            infer_chain(subject, shape, USUAL)
        except ShapeRefusedError:
            continue
        with calling(f"what it declares for input shape {shape}"):
            first, second = (
                (layer.output_shape(shape), layer.parameters(shape), layer.workspace(shape))
                for _ in range(2)
            )
        if first != second:
            raise CheckFailed(
                f"what it declares for input shape {shape} differs from call to call; derive it "
                "from the fields and the shape alone"
            )


@check
def takes_the_shapes_it_accepts(subject: Subject) -> None:
    """Refuses in `output_shape` what it cannot take, and fills a y of that shape for the rest."""
    layer: Layer = subject.instance
    accepted = accepted_shapes(subject)
    for shape in layer.example_shapes:
        if shape not in accepted:
            reason = refusal(subject, shape)
            raise CheckFailed(f"it refuses {shape} of its example_shapes: {reason}")
    if not accepted:
        shapes = ", ".join(str(shape) for shape in candidate_shapes(layer))
        raise CheckFailed(f"it refuses all usual input shapes ({shapes}); declare example_shapes")
    for shape in accepted:
        failure = failing_pass(subject, shape)
        if failure is not None and shape in working_shapes(subject):
            raise failure.in_context(
                f"it accepts input shape {shape}, for which output_shape gives "
                f"{layer.output_shape(shape)}, but {failure}; raise a ValueError in output_shape "
                "for shapes that it cannot take"
            )
        if failure is not None:
            raise CheckSkipped(
                f"it inherits output_shape, which accepts input shape {shape}, but {failure}; a "
                "model with such an input fails in training: better refuse it in output_shape"
            )


@check
def gradient_of_inputs(subject: Subject) -> None:
    """Fills `dx` with the gradient of forward by `x`, as central differences give it."""
    _skip_integers(subject)
    for shape in working_shapes(subject):
        for position in range(len(shapes_of(subject.instance, shape))):
            _require_gradient(subject, shape, position)


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradients of forward by each trainable parameter."""
    shapes = working_shapes(subject)
    found = [(shape, name) for shape in shapes for name in LayerHarness(subject, shape).trainable]
    for shape, name in found:
        _require_gradient(subject, shape, name)
    if not found:
        raise CheckSkipped("it has no trainable parameters")


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    _skip_integers(subject)
    counts = [len(shapes_of(subject.instance, shape)) for shape in working_shapes(subject)]
    for left_out in range(-1, max(counts) if max(counts) > 1 else 0):
        advice = "fill dx, or a part of it, only if it is not None"
        require_alike(subject, WHOLE, WHOLE.but(without_dx=left_out), advice)


@check
def backward_needs_is_true(subject: Subject) -> None:
    """Reads in backward no more of `x` and `y` than `backward_needs` names, in whatever way."""
    omitted = " and ".join(sorted({"x", "y"} - set(subject.instance.backward_needs)))
    if not omitted:
        raise CheckSkipped("it needs both x and y")
    advice = f"backward reads {omitted}, which backward_needs omits"
    require_alike(subject, WHOLE, WHOLE.but(spares=True), advice)


@check
def in_place_is_true(subject: Subject) -> None:
    """Gives the same with `y` in the memory of `x` and `dx` in that of `dy`, if it says so."""
    layer: Layer = subject.instance
    if not (layer.in_place or layer.only_reshapes):
        raise CheckSkipped("it does not say that it works in place")
    order = "batch_first" if layer.memory_order == "batch_first" else "batch_last"
    setting = WHOLE.but(input_order=order, order=order)
    advice = "set in_place = False, or read each element before it is overwritten"
    require_alike(subject, setting, setting.but(as_declared=True), advice)


@check
def evaluates_without_chance(subject: Subject) -> None:
    """Gives the same in evaluation each time, so that predictions repeat."""
    for harness, batch in harnesses(subject):
        harness.place(batch, training=False)
        fault = difference(harness.forward(), harness.forward())
        if fault:
            raise CheckFailed(
                f"y is random where state.training is False: {fault}; predictions must repeat"
            )


@check
def stays_in_its_output_range(subject: Subject) -> None:
    """Gives no number outside of the `output_range` that it declares, whatever its input."""
    declared = subject.instance.output_range
    if declared is None:
        raise CheckSkipped("it declares no output_range")
    _skip_integers(subject)
    for harness, batch in harnesses(subject):
        rng = np.random.default_rng(41)
        for low, high in RANGES:
            bounds = OutputRange(low, high) if declared == "input" else declared
            x = (rng.uniform(low, high, array.shape) for array in batch.x)
            fault = _outside(harness.run(batch.with_x(*x), training=False)["y"], bounds)
            if fault:
                raise CheckFailed(
                    f"{fault} for x from {low:g} to {high:g}, but output_range is {declared!r}"
                )


@check
def is_linear_if_it_says_so(subject: Subject) -> None:
    """Maps the line between two inputs to the line between their outputs, if `is_linear`."""
    if not subject.instance.is_linear:
        raise CheckSkipped("it does not say that it is linear")
    _skip_integers(subject)
    share = 1.75
    for harness, batch in harnesses(subject):
        other = batch_of(subject, harness, 1)
        between = (share * a + (1 - share) * b for a, b in zip(batch.x, other.x, strict=True))
        first, second, found = (
            harness.run(batch.with_x(*x), training=False)["y"] for x in (batch.x, other.x, between)
        )
        fault = difference(found, share * first + (1 - share) * second)
        if fault:
            raise CheckFailed(
                f"is_linear is True, but f({share} a + {1 - share} b) is not {share} f(a) + "
                f"{1 - share} f(b): {fault}"
            )


CHECKS = (
    declares_what_the_graph_allocates,
    leaves_inputs_alone,
    uses_declared_state,
    takes_the_shapes_it_accepts,
    *USED_ONCE,
    gradient_of_inputs,
    gradient_of_parameters,
    takes_no_dx,
    backward_needs_is_true,
    in_place_is_true,
    *FILLS_ARRAYS,
    evaluates_without_chance,
    keeps_uses_apart,
    stays_in_its_output_range,
    is_linear_if_it_says_so,
)


def _skip_integers(subject: Subject) -> None:
    if subject.instance.input_dtype == "integer":
        raise CheckSkipped("its inputs are integers")


def _require_gradient(subject: Subject, shape: Any, by: int | str) -> None:
    """Compare a gradient with central differences.

    Args:
        subject: the layer.
        shape: of its input.
        by: the position of an input, or the name of a parameter.
    """
    name = f"grad.{by}" if isinstance(by, str) else LayerHarness(subject, shape).name_of_dx(by)

    def draw(seed: int) -> tuple[Function, Array, Array]:
        harness = LayerHarness(subject, shape, USUAL.but(samples=FEW, seed=seed))
        batch = batch_of(subject, harness, seed).take(slice(FEW))
        gradient = harness.run(batch)[name]
        point = harness.initial[by] if isinstance(by, str) else batch.x[by]

        def weighted_sum(values: Array) -> float:
            if isinstance(by, str):
                harness.initial[by] = values
                harness.place(batch)
            else:
                harness.place(batch.with_x(*batch.x[:by], values, *batch.x[by + 1 :]))
            return float(np.sum(harness.forward() * batch.y))

        return weighted_sum, point, gradient

    require_gradient(draw, f"{name} for input shape {shape}")


def _outside(y: Array, bounds: OutputRange) -> str | None:
    """What of an output is not within bounds, but for rounding; NaN is left to other checks."""
    known, room = y[~np.isnan(y)], 1e-9 * max(1.0, float(np.nanmax(np.abs(y), initial=0.0)))
    if known.size and not (known.min() >= bounds.low - room and known.max() <= bounds.high + room):
        return f"y ranges from {known.min():.9g} to {known.max():.9g}"
    if bounds.sums_to_one and y.ndim > 1 and not np.allclose(y.sum(axis=-1), 1, rtol=0, atol=1e-6):
        return "the numbers of the last axis do not add up to 1"
    return None
