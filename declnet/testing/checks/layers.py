"""Checks on layers: shapes, gradients, memory, passes, and declared traits.

A layer is tried alone between probes, with the shapes and values that it accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from declnet import Array, Layer, OutputRange, TrainingStep
from declnet.testing.checking import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    Subject,
    calling,
    check,
)
from declnet.testing.checks import native
from declnet.testing.checks.common import (
    FILLS_ARRAYS,
    USED_ONCE,
    keeps_uses_apart,
    leaves_inputs_alone,
    only,
    require_alike,
    uses_declared_state,
)
from declnet.testing.comparison import require_equal, same
from declnet.testing.component_data import ExampleData
from declnet.testing.counted import CountingLayer
from declnet.testing.harness import NO_LOSS, ShapeRefusedError
from declnet.testing.layer_gradients import require_gradients
from declnet.testing.layer_harness import (
    LEVELS,
    LayerHarness,
    batch_of,
    build_chain,
    candidate_shapes,
    floats_of,
    harnesses,
    refusals,
    shapes_of,
    working_shapes,
)
from declnet.testing.scheduled_fields import require_followed, scheduled_variants
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Setting, Trial

RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 300.0), (-300.0, 300.0))
"""Ranges of inputs for which outputs must be in a layer's range."""


COUNTS_ALIKE = 20
"""How many more NumPy calls than twice as many as declared a layer may make, or fewer than half."""


def _draws_at_random(subject: Subject) -> bool:
    """Return whether a training pass depends on the layer's random stream, as in dropout."""

    def outputs(seed: int) -> list[Array]:
        return [
            harness.run(batch)["y"] for harness, batch in harnesses(subject, WHOLE.but(seed=seed))
        ]

    def find() -> bool:
        first, *others = (outputs(seed) for seed in (0, 1, 2))
        return not all(all(map(same, first, other)) for other in others)

    return subject.once("draws at random", find)


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward, and forward in evaluation, with each input shape."""
    trial, random = Trial(), _draws_at_random(subject)
    for harness, batch in harnesses(subject, setting):
        for training in (True, False):
            if setting.after:
                harness.run(batch.repeated(setting.after), training=training)
            harness.begin(batch, training=training)
            outputs = {"y": harness.forward()}
            if setting.beside:
                other = LayerHarness(subject, harness.shape, USUAL)
                other.run(batch_of(subject, other, 1).take(slice(5)))
            if training:
                outputs |= harness.backward()
            mode = "training" if training else "evaluation"
            for name, array in outputs.items():
                key = f"{name} for input shape {harness.shape}, in {mode}"
                trial.outputs[key] = array
                trial.sums |= {key} if name.startswith("grad.") else set()
                trial.drawn |= {key} if training and random else set()
    return trial


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a layer in a training step.

    For a layer with any number of inputs, these are several steps, by the inputs' shapes.
    """
    layer, shapes = subject.instance, working_shapes(subject)
    by_number = {len(shapes_of(layer, shape)): shape for shape in reversed(shapes)}
    return {
        f" for input shape {shape}" if len(by_number) > 1 else "": _calls_for(subject, shape)
        for _, shape in sorted(by_number.items())
    }


def _calls_for(subject: Subject, shape: Any) -> native.Calls:
    model = build_chain(subject, shape)
    step = TrainingStep(model, NO_LOSS, USUAL.samples)
    rng, samples = np.random.default_rng(0), USUAL.samples
    x = {
        name: rng.normal(size=(samples, *info.shape))
        if info.dtype == "float"
        else rng.integers(0, 2, (samples, *info.shape))
        for name, info in model.inputs.items()
    }
    step.begin(x, np.zeros(samples))
    with calling("the layer"):  # so that its arrays hold what they do in a training
        step.forward()
        step.backward()
    return native.calls_of(model.nodes[-2].layer, step.calls)


@check
def declares_what_the_graph_allocates(subject: Subject) -> None:
    """Gives output shapes, parameters and workspace that a graph can allocate, always the same."""
    layer: Layer = subject.instance
    for shape in candidate_shapes(layer):
        try:
            build_chain(subject, shape)
        except ShapeRefusedError:
            continue
        with calling(f"what it declares for input shape {shape}"):
            first, second = (
                (layer.output_shape(shape), layer.parameters(shape), layer.workspace(shape))
                for _ in range(2)
            )
        if first != second:
            raise CheckFailed(f"what it declares for input shape {shape} differs from call to call")


@check
def takes_the_shapes_it_accepts(subject: Subject) -> None:
    """Refuses in `output_shape` what it cannot take, and fills a y of that shape for the rest."""
    layer: Layer = subject.instance
    refused = refusals(subject)
    refuses_all = all(isinstance(failure, ShapeRefusedError) for failure in refused.values())
    for shape, failure in refused.items():
        if isinstance(failure, ShapeRefusedError):
            if layer.example_shapes or refuses_all:
                raise CheckFailed(
                    f"it refuses input shape {shape}: {failure}; example_shapes must be shapes "
                    "that it takes, and are needed if it takes no usual ones"
                )
        elif failure is not None and shape in working_shapes(subject):
            message = (
                f"it accepts input shape {shape}, for which output_shape gives "
                f"{layer.output_shape(shape)}, but {failure}; raise a ValueError in output_shape "
                "for shapes that it cannot take"
            )
            raise CheckFailed(message, failure.cause) from failure.__cause__
        elif failure is not None:
            raise CheckSkipped(
                f"it inherits output_shape, which accepts input shape {shape}, but {failure}; a "
                "model with this input fails in training; refuse it in output_shape"
            )


@check
def gradient_of_inputs(subject: Subject) -> None:
    """Fills `dx` with the gradient of forward by `x`, as differences give it."""
    _skip_integers(subject)
    for shape in working_shapes(subject):
        require_gradients(subject, shape)


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradients of forward by each trainable parameter."""
    shapes = working_shapes(subject)
    if not sum(require_gradients(subject, shape, parameters=True) for shape in shapes):
        raise CheckSkipped("it has no trainable parameters")


@check
def keeps_still_while_frozen(subject: Subject) -> None:
    """Changes no parameter while it is frozen, and fills `dx` with the gradient of what it does."""
    for shape in working_shapes(subject):
        if all(parameter.trainable for parameter in subject.instance.parameters(shape).values()):
            continue  # it is the same layer, frozen or not
        harness = LayerHarness(subject, shape, WHOLE, frozen=True)
        with only(ReadOnlyWrittenError):
            harness.run(batch_of(subject, harness))
        require_gradients(subject, shape, frozen=True)


@check
def measures_running_statistics(subject: Subject) -> None:
    """Overwrites running statistics with the batch's own while `state.measuring`."""
    has_statistics = False
    for harness, batch in harnesses(subject, WHOLE):
        for name, parameter in subject.instance.parameters(harness.shape).items():
            if parameter.running_statistic:
                has_statistics = True
                first = harness.measured(batch)[name]
                harness.initial[name] += 1
                fault = f"{name} still depends on its earlier value while state.measuring"
                require_equal(harness.measured(batch)[name], first, fault)
    if not has_statistics:
        raise CheckSkipped("it declares no running statistics")


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    _skip_integers(subject)
    count = max(len(shapes_of(subject.instance, shape)) for shape in working_shapes(subject))
    for left_out in range(-1, count if count > 1 else 0):
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
    """Gives the same if `y` shares memory with `x` and `dx` with `dy`, if `in_place`."""
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
    for harness, batch in harnesses(subject, WHOLE):
        harness.begin(batch, training=False)
        fault = "y is random where state.training is False"
        require_equal(harness.forward(), harness.forward(), fault, "predictions must repeat")


@check
def stays_in_its_output_range(subject: Subject) -> None:
    """Gives no number outside of the `output_range` that it declares, whatever its input."""
    declared, rng = subject.instance.output_range, np.random.default_rng(41)
    if declared is None:
        raise CheckSkipped("it declares no output_range")
    _skip_integers(subject)
    for harness, batch in harnesses(subject, WHOLE):
        for low, high in RANGES:
            bounds = OutputRange(low, high) if declared == "input" else declared
            tried = batch.with_x(
                *(
                    rng.uniform(low, high, array.shape) if i in harness.floats else array
                    for i, array in enumerate(batch.x)
                )
            )
            for training in (False,) if declared == "input" else (False, True):
                fault = _outside(harness.run(tried, training=training)["y"], bounds)
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
    for harness, batch in harnesses(subject, WHOLE):
        other = batch_of(subject, harness, 1)
        points = [
            (a, b, 1.75 * a - 0.75 * b) if i in harness.floats else (a, a, a)
            for i, (a, b) in enumerate(zip(batch.x, other.x, strict=True))
        ]
        first, second, between = (
            harness.run(batch.with_x(*x), training=False)["y"] for x in zip(*points, strict=True)
        )
        fault = "is_linear is True, but f(1.75 a - 0.75 b) is not 1.75 f(a) - 0.75 f(b)"
        require_equal(between, 1.75 * first - 0.75 * second, fault)


@check
def adds_its_inputs_if_it_says_so(subject: Subject) -> None:
    """Gives the sum of two inputs, if `adds_inputs`."""
    if not subject.instance.adds_inputs:
        raise CheckSkipped("it does not say that it adds its inputs")
    if subject.instance.n_inputs not in (None, 2):
        raise CheckFailed(f"adds_inputs is True, but n_inputs is {subject.instance.n_inputs}")
    for harness, batch in harnesses(subject, WHOLE):
        for training in (False, True):
            y, fault = harness.run(batch, training=training)["y"], "y is not the sum of x"
            require_equal(y, np.sum(batch.x, axis=0), f"adds_inputs is True, but {fault}")


@check
def follows_its_schedules(subject: Subject) -> None:
    """Gives with a schedule in a scheduled field, at each step, what it gives with its number."""
    for name, scheduled, before, after in scheduled_variants(subject):
        for shape in working_shapes(subject):
            harness = LayerHarness(scheduled, shape, WHOLE)
            batch = batch_of(subject, harness)
            harness.run(batch, training=False)
            for step, plain in ((1, before), (2, after), (1, before)):
                harness.set_step(step)
                right = LayerHarness(plain, shape, WHOLE).run(batch)
                for what, array in harness.run(batch).items():
                    require_followed(name, what, array, right[what])


@check
def makes_the_numpy_calls_it_declares(subject: Subject) -> None:
    """Makes about as many NumPy calls in a step as `numpy_calls` says, for larger inputs too."""
    shape = working_shapes(subject)[-1]
    for tried in (shape, _enlarged(shape)):
        try:
            harness = LayerHarness(subject, tried, WHOLE)
            layer = harness.watched.component = CountingLayer(harness.watched.component)
            harness.run(batch_of(subject, harness))
        except CheckFailed:  # it refuses this shape, or takes no other class of arrays
            continue
        with calling("numpy_calls"):
            count, declared = layer.calls[0], layer.numpy_calls(tried)
        if max(count - 2 * declared, declared - 2 * count) > COUNTS_ALIKE:
            raise CheckFailed(
                f"it makes {count} NumPy calls in a step for input shape {tried}, but numpy_calls "
                f'returns {declared}; return about as many, since kernels = "auto" decides by them'
            )


def _enlarged(shape: Any) -> Any:
    """Return a shape, or shapes, with each axis four times as long."""
    return tuple(map(_enlarged, shape)) if isinstance(shape, tuple) else 4 * shape


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield normal draws, or integers, for each shape of inputs to try."""
    layer, rng = subject.instance, np.random.default_rng(17)
    for shape in candidate_shapes(layer):
        shapes = shapes_of(layer, shape)
        floats = floats_of(layer, shapes)
        arrays = (
            rng.normal(size=(SAMPLES, *input_shape))
            if i in floats
            else rng.integers(0, LEVELS, (SAMPLES, *input_shape))
            for i, input_shape in enumerate(shapes)
        )
        yield ExampleData(f"input shape {shape}", tuple(arrays))


CHECKS = (
    declares_what_the_graph_allocates,
    leaves_inputs_alone,
    uses_declared_state,
    takes_the_shapes_it_accepts,
    *USED_ONCE,
    gradient_of_inputs,
    gradient_of_parameters,
    keeps_still_while_frozen,
    measures_running_statistics,
    takes_no_dx,
    backward_needs_is_true,
    in_place_is_true,
    *FILLS_ARRAYS,
    evaluates_without_chance,
    keeps_uses_apart,
    stays_in_its_output_range,
    is_linear_if_it_says_so,
    adds_its_inputs_if_it_says_so,
    follows_its_schedules,
    makes_the_numpy_calls_it_declares,
    *native.CHECKS,
)


def _skip_integers(subject: Subject) -> None:
    if subject.instance.input_dtype == "integer":
        raise CheckSkipped("its inputs are integers")


def _outside(y: Array, bounds: OutputRange) -> str | None:
    """Return which outputs are out of bounds, up to rounding; other checks look for NaN."""
    known, room = y[~np.isnan(y)], 1e-9 * max(1.0, float(np.nanmax(np.abs(y), initial=0.0)))
    if known.size and not (known.min() >= bounds.low - room and known.max() <= bounds.high + room):
        return f"y ranges from {known.min():.9g} to {known.max():.9g}"
    if bounds.sums_to_one and y.ndim > 1 and not np.allclose(y.sum(axis=-1), 1, rtol=0, atol=1e-6):
        return "the numbers of the last axis do not add up to 1"
    return None
