"""Checks on layers: shapes, gradients, memory, passes, and declared traits.

A layer is tried alone between probes, with the shapes and values that it accepts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from itertools import product
from typing import Any

import numpy as np

from declnet import Array, Layer, LayerState, OutputRange
from declnet.testing import checking
from declnet.testing.catalogue import ExampleData
from declnet.testing.checking import CheckFailed, Subject, calling, check, require, skip_unless
from declnet.testing.checks import common, native
from declnet.testing.checks.common import only, require_alike
from declnet.testing.comparison import require_equal
from declnet.testing.examples import variants
from declnet.testing.gradients import require_gradients
from declnet.testing.harness import ShapeRefusedError
from declnet.testing.layer_harness import (
    LayerHarness,
    build_chain,
    candidate_shapes,
    harness_for,
    harnesses,
    refusals,
    working_shapes,
)
from declnet.testing.trial import USUAL, VALUES, WHOLE, Setting, Trial
from declnet.testing.watched import Watched

COUNTS_ALIKE = 20
"""How many more NumPy calls than twice as many as declared a layer may make, or fewer than half."""


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward, and forward in evaluation, with each input shape."""
    trial = Trial()
    for harness, batch in harnesses(subject, setting):
        harness.model.number = setting.step or 1
        for training, mode in ((True, "training"), (False, "evaluation")):
            if setting.after:
                harness.run(batch.repeated(setting.after), training=training)
            harness.begin(batch, training=training)
            outputs = {"y": harness.forward()}
            drawn = training and harness.watched.has_drawn
            if setting.beside:
                other = harness_for(subject, harness.shape, USUAL.but(use=1))
                other.run(other.batch(1).take(slice(5)))
            outputs |= harness.backward() if training else {}
            for name, array in outputs.items():
                key = f"{name} for input shape {harness.shape}, in {mode}"
                trial.outputs[key] = array
                trial.sums |= {key} if name.startswith("grad.") else set()
                trial.drawn |= {key} if drawn else set()
    return trial


def step_calls(subject: Subject) -> dict[str, native.Calls]:
    """Return the calls of a layer in a training step.

    For a layer with any number of inputs, these are several steps, by the inputs' shapes.
    """
    steps: dict[int, tuple[str, native.Calls]] = {}
    for harness, batch in harnesses(subject, USUAL):
        if len(harness.shapes) not in steps:
            calls = native.calls_of(*harness.unwatched(batch))
            steps[len(harness.shapes)] = f" for input shape {harness.shape}", calls
    return {where if len(steps) > 1 else "": calls for where, calls in steps.values()}


@check
def declares_what_the_graph_allocates(subject: Subject) -> None:
    """Gives output shapes, parameters and workspace that a graph can allocate, always the same."""
    layer: Layer = subject.instance
    for shape in candidate_shapes(layer):
        with (
            suppress(ShapeRefusedError),
            calling(what := f"what it declares for input shape {shape}"),
        ):
            build_chain(subject, shape)
            first, second = (
                (layer.output_shape(shape), layer.parameters(shape), layer.workspace(shape))
                for _ in range(2)
            )
            require(first == second, f"{what} differs from call to call")


@check
def takes_the_shapes_it_accepts(subject: Subject) -> None:
    """Refuses in `output_shape` what it cannot take, and fills a y of that shape for the rest."""
    layer, advice = subject.instance, "example_shapes must be shapes that it takes"
    refused = refusals(subject)
    refuses_all = all(isinstance(failure, ShapeRefusedError) for failure in refused.values())
    for shape, failure in refused.items():
        if isinstance(failure, ShapeRefusedError):
            if layer.example_shapes or refuses_all:
                advice += ", and are needed if it takes no usual ones"
                raise CheckFailed(f"it refuses input shape {shape}: {failure}; {advice}")
        elif failure is not None:
            advice = "raise a ValueError in output_shape for shapes that it cannot take"
            message = f"it accepts input shape {shape}, but {failure}; {advice}"
            if shape in working_shapes(subject):
                raise CheckFailed(message, failure.cause) from failure.__cause__
            # it inherits output_shape, perhaps unintentionally
            raise checking.CheckSkipped(message)


@check
def gradient_of_inputs(subject: Subject) -> None:
    """Fills `dx` with the gradient of forward by `x`, also with other values in its fields."""
    _skip_integers(subject)
    for note, variant, shape in _varied(subject):
        require_gradients(variant, shape, note)


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradient by each trainable parameter, which y depends on."""
    used = Counter[str]()
    for note, variant, shape in _varied(subject):
        used.update(require_gradients(variant, shape, note, parameters=True))
    skip_unless(used, "it has no trainable parameters")
    unused = ", ".join(name for name, count in used.items() if not count)
    require(not unused, f"y does not depend on its parameter {unused}: use it, or leave it out")


@check
def keeps_still_while_frozen(subject: Subject) -> None:
    """Changes no parameter while it is frozen, and fills `dx` with the gradient of what it does."""
    for shape in working_shapes(subject):
        if all(parameter.trainable for parameter in subject.instance.parameters(shape).values()):
            continue  # it is the same layer, frozen or not
        harness = harness_for(subject, shape, WHOLE, frozen=True)
        with only(checking.ReadOnlyWrittenError):
            harness.run(harness.batch())
        require_gradients(subject, shape, frozen=True)


@check
def measures_running_statistics(subject: Subject) -> None:
    """Overwrites running statistics with the batch's own while `state.measuring`."""
    has_statistics = False
    for harness, batch in harnesses(subject, WHOLE):
        for name, parameter in subject.instance.parameters(harness.shape).items():
            if parameter.running_statistic:
                has_statistics = True
                other = {name: harness.initial[name] + 1}
                fault = f"{name} still depends on its earlier value while state.measuring"
                first, second = harness.measured(batch), harness.measured(batch, other)
                require_equal(second[name], first[name], fault)
    skip_unless(has_statistics, "it declares no running statistics")


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    _skip_integers(subject)
    count = max(len(harness.shapes) for harness, _ in harnesses(subject, WHOLE))
    for left_out in range(-1, count if count > 1 else 0):
        advice = "fill dx, or a part of it, only if it is not None"
        require_alike(subject, WHOLE, WHOLE.but(without_dx=left_out), advice)


@check
def backward_needs_is_true(subject: Subject) -> None:
    """Reads in backward no more of `x` and `y` than `backward_needs` names, in whatever way."""
    omitted = " and ".join(sorted({"x", "y"} - set(subject.instance.backward_needs)))
    skip_unless(omitted, "it needs both x and y")
    advice = f"backward reads {omitted}, which backward_needs omits"
    require_alike(subject, WHOLE, WHOLE.but(spares=True), advice)


@check
def repeats_its_predictions(subject: Subject) -> None:
    """Gives a sample the same in every evaluation, whatever else is in its batch."""
    for harness, batch in harnesses(subject, WHOLE):
        y, again = (harness.run(batch, training=False)["y"] for _ in range(2))
        fault = "y is random where state.training is False"
        require_equal(again, y, fault, "predictions must repeat")
        few = harness.run(batch.take(slice(4)), training=False)["y"]
        fault = "y of a sample depends on others in its batch where state.training is False"
        require_equal(few, y[:4], fault, "use running statistics")


@check
def stays_in_its_output_range(subject: Subject) -> None:
    """Gives no number outside of the `output_range` that it declares, whatever its input."""
    declared = subject.instance.output_range
    skip_unless(declared, "it declares no output_range")
    _skip_integers(subject)
    for (harness, batch), values in product(harnesses(subject, WHOLE), VALUES):
        x = batch.with_values(values)
        of_input = OutputRange(min(0, x.x[0].min()), max(0, x.x[0].max()))
        bounds = of_input if declared == "input" else declared
        for training in (False,) if declared == "input" else (False, True):
            fault = _outside(harness.run(x, training=training)["y"], bounds)
            require(not fault, f"{fault} for x of {values}, but output_range is {declared!r}")


@check
def is_linear_if_it_says_so(subject: Subject) -> None:
    """Maps equal steps between inputs to equal steps between outputs, if `is_linear`."""
    skip_unless(subject.instance.is_linear, "it does not say that it is linear")
    _skip_integers(subject)
    for harness, batch in harnesses(subject, WHOLE):
        other = harness.batch(1).x
        first, second, third = (
            harness.run(
                batch.with_x(
                    *(x + n * other[i] if i in harness.floats else x for i, x in enumerate(batch.x))
                ),
                training=False,
            )["y"]
            for n in range(3)
        )
        fault = "is_linear is True, but f(x + 2 d) - f(x + d) is not f(x + d) - f(x)"
        require_equal(third - second, second - first, fault)


@check
def adds_its_inputs_if_it_says_so(subject: Subject) -> None:
    """Gives the sum of two inputs, if `adds_inputs`."""
    skip_unless(subject.instance.adds_inputs, "it does not say that it adds its inputs")
    count = subject.instance.n_inputs
    require(count in (None, 2), f"adds_inputs is True, but n_inputs is {count}")
    for harness, batch in harnesses(subject, WHOLE):
        for training in (False, True):
            y, fault = harness.run(batch, training=training)["y"], "y is not the sum of x"
            require_equal(y, np.sum(batch.x, axis=0), f"adds_inputs is True, but {fault}")


@check
def makes_the_numpy_calls_it_declares(subject: Subject) -> None:
    """Makes about as many NumPy calls in a step as `numpy_calls` says, for larger inputs too."""
    shape = working_shapes(subject)[-1]
    for tried in (shape, _enlarged(shape)):
        try:
            harness = LayerHarness(subject, tried, WHOLE)
            layer = harness.watched.component = _CountingLayer(harness.watched.component)
            harness.run(harness.batch())
        except CheckFailed:  # it refuses this shape, or takes no other class of arrays
            continue
        with calling("numpy_calls"):
            count, declared = layer.calls[0], layer.numpy_calls(tried)
        fault = f"it makes {count} NumPy calls in a step for input shape {tried}, but numpy_calls"
        advice = 'return about as many, since kernels = "auto" decides by them'
        is_alike = max(count - 2 * declared, declared - 2 * count) <= COUNTS_ALIKE
        require(is_alike, f"{fault} returns {declared}; {advice}")


def _enlarged(shape: Any) -> Any:
    """Return a shape, or shapes, with each axis four times as long."""
    return tuple(map(_enlarged, shape)) if isinstance(shape, tuple) else 4 * shape


def example_data(subject: Subject) -> Iterator[ExampleData]:
    """Yield inputs of each shape that the layer takes."""
    for harness, batch in harnesses(subject, WHOLE):
        yield ExampleData(f"input shape {harness.shape}", batch.x)


CHECKS = (
    common.leaves_inputs_alone,
    common.uses_declared_state,
    *checking.checks_in(globals()),
    *common.USED_ONCE,
    *common.FILLS_ARRAYS,
    common.follows_its_schedules,
    common.keeps_uses_apart,
    *native.CHECKS,
)


def _varied(subject: Subject) -> Iterator[tuple[str, Subject, Any]]:
    """Yield the layer, and one with other values in its fields, with each input shape."""

    def accepts(layer: Layer) -> bool:
        for shape in candidate_shapes(layer):
            with suppress(Exception):
                layer.output_shape(shape)
                return True
        return False

    for note, variant in subject.once("variants", lambda: tuple(variants(subject, accepts))):
        for shape in working_shapes(variant):
            yield note, variant, shape


def _skip_integers(subject: Subject) -> None:
    skip_unless(subject.instance.input_dtype != "integer", "its inputs are integers")


def _outside(y: Array, bounds: OutputRange) -> str | None:
    """Return which outputs are out of bounds, up to rounding; other checks look for NaN."""
    known, room = y[~np.isnan(y)], 1e-9 * max(1.0, float(np.nanmax(np.abs(y), initial=0.0)))
    if known.size and not (known.min() >= bounds.low - room and known.max() <= bounds.high + room):
        return f"y ranges from {known.min():.9g} to {known.max():.9g}"
    if bounds.sums_to_one and y.ndim > 1 and not np.allclose(y.sum(axis=-1), 1, rtol=0, atol=1e-6):
        return "the numbers of the last axis do not add up to 1"
    return None


class _CountedArray(np.ndarray[Any, Any]):
    """A view of an array that adds one to `calls[0]` for each ufunc, function and assignment.

    Their results count, too. Views by indexing do not, nor what a NumPy function calls.
    """

    calls: list[int]

    def __array_finalize__(self, origin: Any) -> None:
        self.calls = getattr(origin, "calls", [0])

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Make the call with plain arrays."""
        return self._counting(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        """Make the call with plain arrays."""
        return self._counting(function, tuple(inputs), dict(options))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._counting(np.ndarray.__setitem__, (self, key, value), {})

    def _counting(self, function: Callable[..., Any], inputs: Any, options: Any) -> Any:
        self.calls[0] += 1
        return _counted(function(*_plain(inputs), **_plain(options)), self.calls)


class _CountingLayer(Watched):
    """A layer that counts the NumPy calls of its passes.

    Attributes:
        calls: their number, as the only item.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self.calls = [0]

    def forward(self, *arguments: Any) -> None:
        """Run forward."""
        self.component.forward(*map(self._watched, arguments))

    def backward(self, *arguments: Any) -> None:
        """Run backward."""
        self.component.backward(*map(self._watched, arguments))

    def _watched(self, argument: Any) -> Any:
        if not isinstance(argument, LayerState):
            return _counted(argument, self.calls)
        state = copy(argument)
        state.grad = copy(state.grad)
        for values in (vars(state), vars(state.grad)):
            values |= {name: _counted(value, self.calls) for name, value in values.items()}
        return state


def _counted(value: Any, calls: list[int]) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_counted(item, calls) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    view = value.view(_CountedArray)
    view.calls = calls
    return view


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value.view(np.ndarray) if isinstance(value, _CountedArray) else value
