"""What a layer promises: shapes, gradients, memory, passes, and the traits that it declares."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.components.layer import Layer
from declnet.components.output_range import OutputRange
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.comparison import Draw, Function, difference, require_gradient
from declnet.testing.harness import ShapeRefusedError
from declnet.testing.layer_harness import (
    LayerHarness,
    accepted_shapes,
    batch_of,
    candidate_shapes,
    failing_pass,
    infer_chain,
    refusal,
    usual_harnesses,
    working_shapes,
)
from declnet.testing.trial import USUAL, WHOLE, Setting
from declnet.testing.trial_checks import (
    FILLS_ARRAYS,
    USED_ONCE,
    leaves_inputs_alone,
    treats_samples_apart,
    uses_declared_state,
)

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
    for harness, _ in usual_harnesses(subject):
        for position in range(len(harness.shapes)):
            what = f"{harness.name_of('dx', position)} for input shape {harness.shape}"
            require_gradient(_by_input(subject, harness.shape, position), what)


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradients of forward by each trainable parameter."""
    checked = 0
    for harness, _ in usual_harnesses(subject):
        for name in harness.trainable:
            what = f"grad.{name} for input shape {harness.shape}"
            require_gradient(_by_parameter(subject, harness.shape, name), what)
            checked += 1
    if not checked:
        raise CheckSkipped("it has no trainable parameters")


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    _skip_integers(subject)
    when = "where dx is None, which is to be filled only if it is not None"
    for shape in working_shapes(subject):
        count = 1 if subject.instance.n_inputs == 1 else len(shape)
        for left_out in [*range(count), None] if count > 1 else [None]:
            wanted = tuple(left_out not in (position, None) for position in range(count))
            _require_same_apart(subject, shape, WHOLE, when, wanted=wanted)


@check
def backward_needs_is_true(subject: Subject) -> None:
    """Reads in backward no more of `x` and `y` than `backward_needs` names, in whatever way."""
    needs = subject.instance.backward_needs
    omitted = " and ".join(sorted({"x", "y"} - set(needs)))
    if not omitted:
        raise CheckSkipped("it needs both x and y")
    when = f"if backward is not given {omitted}, which backward_needs omits"
    for shape in working_shapes(subject):
        _require_same_apart(subject, shape, WHOLE, when, backward_needs=needs)


@check
def in_place_is_true(subject: Subject) -> None:
    """Gives the same with `y` in the memory of `x` and `dx` in that of `dy`, if it says so."""
    layer: Layer = subject.instance
    if not (layer.in_place or layer.only_reshapes):
        raise CheckSkipped("it does not say that it works in place")
    order = "batch_first" if layer.memory_order == "batch_first" else "batch_last"
    setting = WHOLE.but(input_order=order, order=order, as_declared=True)
    when = (
        "with y in the memory of x and dx in that of dy; set in_place = False, or read each "
        "element before it is overwritten"
    )
    for shape in working_shapes(subject):
        _require_same_apart(subject, shape, setting, when)


@check
def evaluates_without_chance(subject: Subject) -> None:
    """Gives the same in evaluation each time, so that predictions repeat."""
    for harness, batch in usual_harnesses(subject):
        harness.place(batch, training=False)
        fault = difference(harness.forward(), harness.forward())
        if fault:
            raise CheckFailed(
                f"y is random where state.training is False: {fault}; predictions must repeat"
            )


@check
def shares_nothing_between_passes(subject: Subject) -> None:
    """Keeps what backward needs in `state` alone, so that two models can share the layer."""
    for first, batch in usual_harnesses(subject):
        second = LayerHarness(subject, first.shape, WHOLE)
        alone = first.run(batch)
        first.place(batch)
        first.forward()
        second.place(batch_of(subject, second, 1).take(slice(5)))
        second.forward()
        for name, array in first.backward().items():
            fault = difference(array, alone[name])
            if fault:
                raise CheckFailed(
                    f"{name} changes if the layer is used elsewhere between forward and backward: "
                    f"{fault}; keep intermediate results in workspace(), not on the class or module"
                )


@check
def stays_in_its_output_range(subject: Subject) -> None:
    """Gives no number outside of the `output_range` that it declares, whatever its input."""
    declared = subject.instance.output_range
    if declared is None:
        raise CheckSkipped("it declares no output_range")
    _skip_integers(subject)
    for harness, batch in usual_harnesses(subject):
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
    for harness, batch in usual_harnesses(subject):
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
    treats_samples_apart,
    evaluates_without_chance,
    shares_nothing_between_passes,
    stays_in_its_output_range,
    is_linear_if_it_says_so,
)


def _skip_integers(subject: Subject) -> None:
    if subject.instance.input_dtype == "integer":
        raise CheckSkipped("its inputs are integers")


def _require_same_apart(
    subject: Subject, shape: Any, setting: Setting, when: str, **options: Any
) -> None:
    """Compare the layer in another sort of graph with itself where all arrays are apart.

    Args:
        subject: the layer.
        shape: of its input.
        setting: of the other graph.
        when: what is peculiar to it, and what to do, for messages.
        options: more that is peculiar to it.
    """
    apart = LayerHarness(subject, shape, setting.but(as_declared=False))
    other, batch = LayerHarness(subject, shape, setting, **options), batch_of(subject, apart)
    for training in (True, False):
        wanted = apart.run(batch, training=training)
        try:
            found = other.run(batch, training=training)
        except CheckFailed as failure:
            raise failure.in_context(f"{failure}, {when}") from failure.__cause__
        for name, array in found.items():
            fault = difference(array, wanted[name])
            if fault:
                raise CheckFailed(f"{name} differs: {fault}, {when}")


def _by_input(subject: Subject, shape: Any, position: int) -> Draw:
    def draw(seed: int) -> tuple[Function, Array, Array]:
        harness = LayerHarness(subject, shape, USUAL.but(samples=FEW, seed=seed))
        batch = batch_of(subject, harness, seed).take(slice(FEW))
        gradient = harness.run(batch)[harness.name_of("dx", position)]

        def weighted_sum(values: Array) -> float:
            harness.place(batch.with_x(*batch.x[:position], values, *batch.x[position + 1 :]))
            return float(np.sum(harness.forward() * batch.y))

        return weighted_sum, batch.x[position], gradient

    return draw


def _by_parameter(subject: Subject, shape: Any, name: str) -> Draw:
    def draw(seed: int) -> tuple[Function, Array, Array]:
        harness = LayerHarness(subject, shape, USUAL.but(samples=FEW, seed=seed))
        batch = batch_of(subject, harness, seed).take(slice(FEW))
        gradient = harness.run(batch)[f"grad.{name}"]

        def weighted_sum(values: Array) -> float:
            harness.initial[name] = values
            harness.place(batch)
            return float(np.sum(harness.forward() * batch.y))

        return weighted_sum, harness.initial[name], gradient

    return draw


def _outside(y: Array, bounds: OutputRange) -> str | None:
    """What of an output is not within bounds, but for rounding; NaN is left to other checks."""
    known, room = y[~np.isnan(y)], 1e-9 * max(1.0, float(np.nanmax(np.abs(y), initial=0.0)))
    if known.size and not (known.min() >= bounds.low - room and known.max() <= bounds.high + room):
        return f"y ranges from {known.min():.9g} to {known.max():.9g}"
    if bounds.sums_to_one and y.ndim > 1 and not np.allclose(y.sum(axis=-1), 1, rtol=0, atol=1e-6):
        return "the numbers of the last axis do not add up to 1"
    return None
