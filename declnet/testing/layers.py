"""Checks on layers: shapes, gradients, memory, passes, and declared traits.

A layer is tried alone between probes, with the shapes and values that it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, cast

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.inputs import InputInfo, input_value
from declnet.contracts.layer import Layer, OutputRange, input_dtypes
from declnet.contracts.parameter import Parameter
from declnet.graph.parameters import Parameters
from declnet.graph.shapes import Node
from declnet.testing.check import (
    CheckFailed,
    CheckSkipped,
    ReadOnlyWrittenError,
    Subject,
    calling,
    check,
)
from declnet.testing.common_checks import (
    FILLS_ARRAYS,
    USED_ONCE,
    keeps_uses_apart,
    leaves_inputs_alone,
    only,
    require_alike,
    uses_declared_state,
)
from declnet.testing.comparison import Function, difference, require_gradient, same
from declnet.testing.harness import (
    GraphHarness,
    ShapeRefusedError,
    WatchedLayer,
    infer,
    probe,
)
from declnet.testing.scheduled_fields import scheduled_variants
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch, Setting, Trial, batch_for

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with the shapes that it accepts."""

FEW = 3
"""Samples for gradients, whose elements may be compared one by one."""

LEVELS = 5
"""How many integers each number of an integer layer's input can be."""

FLOATS = "floats"
"""The input of the harness's model that holds all floats."""

RANGES = ((-1.0, 1.0), (0.0, 1.0), (0.0, 300.0), (-300.0, 300.0))
"""Ranges of inputs for which outputs must be in a layer's range."""


class LayerHarness:
    """A layer between probes, for one input shape and setting.

    Args:
        frozen: whether its parameters are frozen.

    Attributes:
        shape, shapes: the input shape, and the shapes of all inputs as a tuple, even for one.
        floats: the positions of the inputs that hold floats, not integers.
        output: the shape of its output, as inferred by the layer.
        trainable: names of the trainable parameters.
        initial: the parameters at the start of each pass; may be changed.
        watched: the layer as the graph sees it.
    """

    def __init__(
        self, subject: Subject, shape: Any, setting: Setting = USUAL, *, frozen: bool = False
    ) -> None:
        self.shape, self.shapes = shape, _shapes(subject.instance, shape)
        self._setting, self.floats = setting, _floats(subject.instance, self.shapes)
        nodes = _infer_chain(subject, shape, setting)
        node = nodes[-2]
        self.output: Shape = node.output_shape
        trainable = [name for name, each in node.parameters.items() if each.trainable]
        self.trainable = () if frozen else tuple(trainable)
        start = subject.once(("initial", shape), lambda: _starting_parameters(nodes, subject))
        self.initial = {name: array.copy() for name, array in start.items()}
        traits = _traits(node, setting) | ({"trainable": False} if frozen else {})
        self.watched: Any = WatchedLayer(node, setting.poison, **traits)
        own = {name: replace(each, regularizer=None) for name, each in node.parameters.items()}
        if not any("received" in each.parameters for each in nodes[:-2]):
            own["conformance_probe"] = Parameter((1,), "zeros")  # so that backward is called
        node = replace(node, layer=cast("Layer", self.watched), parameters=own)
        self._inputs = _inputs_of_model(subject.instance, self.shapes)
        self._graph = GraphHarness((*nodes[:-2], node, nodes[-1]), self._inputs, setting)

    def place(self, batch: Batch, *, training: bool = True) -> None:
        """Begin a pass."""
        self._n, self._training = len(batch.y), training
        given = {
            f"integers_{i}": each.astype("int64")
            for i, each in enumerate(batch.x)
            if i not in self.floats
        }
        rows = [batch.x[i].reshape(self._n, -1) for i in self.floats]
        if rows:
            given[FLOATS] = np.concatenate(rows, axis=1).astype(self._setting.dtype)
        self._x = given if len(given) > 1 else next(iter(given.values()))
        slopes = np.zeros((self._setting.capacity, *self.output))
        slopes[: self._n] = batch.y
        own = {f"subject.{name}": array for name, array in self.initial.items()}
        self._graph.initial = {**own, "after.slopes": slopes}
        if training:
            self._graph.place(self._x, np.zeros(self._n))

    def set_step(self, step: int) -> None:
        """Set the step of the next passes, for scheduled fields."""
        self._graph.step = step

    def forward(self) -> Array:
        """Run the graph as far as the loss, or an evaluation; return a copy of y."""
        return self._graph.forward()[0] if self._training else self._graph.evaluate(self._x)

    def backward(self) -> dict[str, Array]:
        """Run the rest; return copies of what the layer filled: `dx`, `grad.weights`, ….

        With several inputs, the names are `dx[0]`, `dx[1]`, ….
        """
        found, filled = self._graph.backward(), {}
        for position, name in enumerate(_names_of_dx(self.watched, self.shape)):
            if f"before_{position}.received" in found:
                filled[name] = found[f"before_{position}.received"][: self._n]
        return filled | {f"grad.{name}": found[f"subject.{name}"] for name in self.trainable}

    def run(self, batch: Batch, *, training: bool = True) -> dict[str, Array]:
        """Run a batch through forward and, in training, backward; return what was filled."""
        self.place(batch, training=training)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled


def _shapes(layer: Layer, shape: Any) -> tuple[Shape, ...]:
    return (shape,) if layer.n_inputs == 1 else tuple(shape)


def _names_of_dx(layer: Layer, shape: Any) -> tuple[str, ...]:
    return ("dx",) if layer.n_inputs == 1 else tuple(f"dx[{i}]" for i in range(len(shape)))


def _infer_chain(subject: Subject, shape: Any, setting: Setting = USUAL) -> tuple[Node, ...]:
    """Return nodes of probes, the layer and a final probe; inputs of integers have no probe."""
    layer, shapes, samples = subject.instance, _shapes(subject.instance, shape), setting.capacity
    chain, start, given = list[Layer](), 0, _inputs_of_model(layer, shapes)
    names = {name: input_value(name) for name in given}
    inputs = [names.get(f"integers_{i}", f"before_{i}") for i in range(len(shapes))]
    for i in _floats(layer, shapes):
        fields = {"start": start, "shape": shapes[i], "receives": setting.without_dx not in (i, -1)}
        own = {"name": inputs[i], "inputs": (names[FLOATS],), "samples": samples, **fields}
        chain.append(probe(setting.input_order, **own))
        start += prod(shapes[i])
    chain.append(layer.model_copy(update={"name": "subject", "inputs": tuple(inputs)}))
    chain.append(probe(setting.order, name="after", samples=samples))
    return infer(chain, given, subject.registry)


def _floats(layer: Layer, shapes: tuple[Shape, ...]) -> tuple[int, ...]:
    """Return the positions of a layer's inputs that hold floats."""
    kinds = input_dtypes(layer, len(shapes))
    return tuple(position for position, kind in enumerate(kinds) if kind == "float")


def _inputs_of_model(layer: Layer, shapes: tuple[Shape, ...]) -> dict[str, InputInfo]:
    """Return the inputs of the harness's model: all floats as one, and each input of integers."""
    floats = _floats(layer, shapes)
    given = {FLOATS: InputInfo((sum(prod(shapes[i]) for i in floats),))} if floats else {}
    for i, shape in enumerate(shapes):
        if i not in floats:
            given[f"integers_{i}"] = InputInfo(shape, "integer", (LEVELS,) * prod(shape))
    return given


def _traits(node: Node, setting: Setting) -> dict[str, Any]:
    """Return traits that make the graph keep a layer's arrays apart, in the setting's orders.

    A layer with a per-sample workspace may rely on its declared memory order, which the workspace
    has too.
    """
    if setting.as_declared:
        return {}
    order, workspace = node.layer.memory_order, node.workspace.values()
    if order == "any" or not any(each.per_sample for each in workspace):
        order = setting.order
    needs = node.layer.backward_needs if setting.spares else frozenset({"x", "y"})
    traits = {"memory_order": order, "input_order": "any", "backward_needs": needs}
    return {**traits, "in_place": False, "only_reshapes": False}


def _starting_parameters(nodes: tuple[Node, ...], subject: Subject) -> dict[str, Array]:
    """Return the layer's parameters by name, in float64, always the same.

    Trainable ones get some noise, so that zeros and ones do not hide gradient errors.
    """
    store, rng = Parameters(nodes, np.dtype("float64")), np.random.default_rng(7)
    with calling("the initializer of a parameter"):
        store.initialize(7, subject.registry)
    found = {}
    for name, parameter in nodes[-2].parameters.items():
        array = store.arrays[f"subject.{name}"]
        noise = 0.1 * rng.normal(size=array.shape)
        found[name] = array + noise if parameter.trainable else array
    return found


def _candidate_shapes(layer: Layer) -> tuple[Any, ...]:
    """Return the input shapes to try: the layer's `example_shapes`, else the kit's usual ones."""
    if layer.example_shapes or layer.n_inputs == 1:
        return layer.example_shapes or USUAL_SHAPES
    counts = (layer.n_inputs,) if layer.n_inputs else (1, 2, 3)
    return tuple((shape,) * count for shape in USUAL_SHAPES for count in counts)


def _refusals(subject: Subject) -> dict[Any, CheckFailed | None]:
    """Return the shapes to try, each with a layer's refusal or the ValueError of a pass, or None.

    Raises CheckFailed if the layer raises anything else before a pass.
    """

    def find(shape: Any) -> CheckFailed | None:
        try:
            harness = LayerHarness(subject, shape, _PLAIN)
        except ShapeRefusedError as refusal:
            return refusal
        try:
            harness.run(_drawn(harness, _values_for(subject.instance)[0], 0))
        except CheckFailed as failure:
            if type(failure) is CheckFailed and isinstance(failure.__cause__, ValueError):
                return failure
        return None

    shapes = _candidate_shapes(subject.instance)
    return subject.once("refusals", lambda: {shape: find(shape) for shape in shapes})


def working_shapes(subject: Subject) -> tuple[Any, ...]:
    """Return the input shapes to check with; raise CheckSkipped if the layer accepts none.

    A layer that inherits `output_shape` accepts every shape, perhaps unintentionally. Usual shapes
    on which it raises a ValueError are therefore left out, unless it fails on all of them.
    """
    layer, found = subject.instance, _refusals(subject).items()
    shapes = [shape for shape, refusal in found if not isinstance(refusal, ShapeRefusedError)]
    if not layer.example_shapes and type(layer).output_shape is Layer.output_shape:
        shapes = [shape for shape, refusal in found if refusal is None] or shapes
    if not shapes:
        raise CheckSkipped("no input shape is known; declare example_shapes")
    return tuple(shapes)


_Values = Callable[[np.random.Generator, tuple[int, ...]], Array]

_FLOATS: tuple[_Values, ...] = (
    lambda rng, shape: rng.normal(size=shape),
    lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
)
_INTEGERS: tuple[_Values, ...] = (
    lambda rng, shape: rng.integers(0, LEVELS, size=shape),
    lambda rng, shape: rng.integers(0, 2, size=shape),
)
_PLAIN = WHOLE.but(order="batch_first", input_order="batch_first", poison=0.0)
"""The setting that no layer should have trouble with."""


def batch_of(subject: Subject, harness: LayerHarness, seed: int = 0) -> Batch:
    """Draw `SAMPLES` inputs and gradients.

    These are normal draws, or numbers between 0.1 and 0.9 if the layer has no finite result for
    normal ones (e.g. a logarithm); or integers from 0 to 4, or 0 and 1 if it takes no others.
    """

    def find() -> _Values:
        candidates = _values_for(subject.instance)
        for values in candidates:
            trial = LayerHarness(subject, harness.shape, _PLAIN)
            try:
                if np.isfinite(trial.run(_drawn(trial, values, 0), training=False)["y"]).all():
                    return values
            except CheckFailed:
                continue
        return candidates[0]

    return _drawn(harness, subject.once(("values", harness.shapes), find), seed)


def _values_for(layer: Layer) -> tuple[_Values, ...]:
    return _INTEGERS if layer.input_dtype == "integer" else _FLOATS


def _drawn(harness: LayerHarness, values: _Values, seed: int) -> Batch:
    rng = np.random.default_rng([seed, 3])
    mixed = 0 < len(harness.floats) < len(harness.shapes)
    x = tuple(
        (_INTEGERS[0] if mixed and i not in harness.floats else values)(rng, (SAMPLES, *shape))
        for i, shape in enumerate(harness.shapes)
    )
    return Batch(x, rng.normal(size=(SAMPLES, *harness.output)))


def harnesses(subject: Subject, setting: Setting) -> Iterator[tuple[LayerHarness, Batch]]:
    """Yield a harness and a batch for each input shape."""
    for shape in working_shapes(subject):
        harness = LayerHarness(subject, shape, setting)
        yield harness, batch_for(partial(batch_of, subject, harness), setting)


def _draws_at_random(subject: Subject) -> bool:
    """Return whether a training pass depends on the layer's random stream, as in dropout."""

    def outputs(seed: int) -> list[Array]:
        return [each.run(batch)["y"] for each, batch in harnesses(subject, WHOLE.but(seed=seed))]

    def find() -> bool:
        first, *others = (outputs(seed) for seed in (0, 1, 2))
        return not all(all(map(same, first, other)) for other in others)

    return subject.once("draws at random", find)


def try_layer(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward, and forward in evaluation, with each input shape."""
    trial, random = Trial(), _draws_at_random(subject)
    for harness, batch in harnesses(subject, setting):
        for training in (True, False):
            if setting.after:
                harness.run(batch.repeated(setting.after), training=training)
            harness.place(batch, training=training)
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


@check
def declares_what_the_graph_allocates(subject: Subject) -> None:
    """Gives output shapes, parameters and workspace that a graph can allocate, always the same."""
    layer: Layer = subject.instance
    for shape in _candidate_shapes(layer):
        try:
            _infer_chain(subject, shape)
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
    found = _refusals(subject)
    refuses_all = all(isinstance(each, ShapeRefusedError) for each in found.values())
    for shape, failure in found.items():
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
                "model with such an input fails in training: better refuse it in output_shape"
            )


@check
def gradient_of_inputs(subject: Subject) -> None:
    """Fills `dx` with the gradient of forward by `x`, as central differences give it."""
    _skip_integers(subject)
    for shape in working_shapes(subject):
        names = _names_of_dx(subject.instance, shape)
        for position in _floats(subject.instance, _shapes(subject.instance, shape)):
            _require_gradient(subject, shape, names[position], position)


@check
def gradient_of_parameters(subject: Subject) -> None:
    """Fills `state.grad` with the gradients of forward by each trainable parameter."""
    shapes = working_shapes(subject)
    found = [(shape, name) for shape in shapes for name in LayerHarness(subject, shape).trainable]
    for shape, name in found:
        _require_gradient(subject, shape, f"grad.{name}", name)
    if not found:
        raise CheckSkipped("it has no trainable parameters")


@check
def keeps_still_while_frozen(subject: Subject) -> None:
    """Changes no parameter while it is frozen, and fills `dx` with the gradient of what it does."""
    for shape in working_shapes(subject):
        if all(each.trainable for each in subject.instance.parameters(shape).values()):
            continue  # it is the same layer, frozen or not
        harness = LayerHarness(subject, shape, WHOLE, frozen=True)
        with only(ReadOnlyWrittenError):
            harness.run(batch_of(subject, harness))
        names = _names_of_dx(subject.instance, shape)
        for position in _floats(subject.instance, _shapes(subject.instance, shape)):
            _require_gradient(subject, shape, names[position], position, frozen=True)


@check
def takes_no_dx(subject: Subject) -> None:
    """Takes None for `dx`, or for any part of it, and gives the same gradients otherwise."""
    _skip_integers(subject)
    count = max(len(_shapes(subject.instance, shape)) for shape in working_shapes(subject))
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
        harness.place(batch, training=False)
        fault = difference(harness.forward(), harness.forward())
        if fault:
            raise CheckFailed(
                f"y is random where state.training is False: {fault}; predictions must repeat"
            )


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
        first, second, found = (
            harness.run(batch.with_x(*x), training=False)["y"] for x in zip(*points, strict=True)
        )
        fault = difference(found, 1.75 * first - 0.75 * second)
        if fault:
            raise CheckFailed(
                f"is_linear is True, but f(1.75 a - 0.75 b) is not 1.75 f(a) - 0.75 f(b): {fault}"
            )


@check
def adds_its_inputs_if_it_says_so(subject: Subject) -> None:
    """Gives the sum of two inputs, if `adds_inputs`."""
    if not subject.instance.adds_inputs:
        raise CheckSkipped("it does not say that it adds its inputs")
    if subject.instance.n_inputs not in (None, 2):
        raise CheckFailed(f"adds_inputs is True, but n_inputs is {subject.instance.n_inputs}")
    for harness, batch in harnesses(subject, WHOLE):
        for training in (False, True):
            fault = difference(harness.run(batch, training=training)["y"], np.sum(batch.x, axis=0))
            if fault:
                raise CheckFailed(f"adds_inputs is True, but y is not the sum of x: {fault}")


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
                    fault = difference(array, right[what], 0)
                    if fault:
                        raise CheckFailed(
                            f"{what} with a schedule in {name} differs from that with its number: "
                            f"{fault}; read state.now.{name} at each call"
                        )


CHECKS = (
    declares_what_the_graph_allocates,
    leaves_inputs_alone,
    uses_declared_state,
    takes_the_shapes_it_accepts,
    *USED_ONCE,
    gradient_of_inputs,
    gradient_of_parameters,
    keeps_still_while_frozen,
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
)


def _skip_integers(subject: Subject) -> None:
    if subject.instance.input_dtype == "integer":
        raise CheckSkipped("its inputs are integers")


def _require_gradient(
    subject: Subject, shape: Any, name: str, by: int | str, *, frozen: bool = False
) -> None:
    """Compare a gradient by an input, or by a parameter, with central differences."""

    def draw(seed: int) -> tuple[Function, Array, Array]:
        harness = LayerHarness(subject, shape, USUAL.but(samples=FEW, seed=seed), frozen=frozen)
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

    where = f"{name} for input shape {shape}"
    require_gradient(draw, f"{where}, while frozen" if frozen else where)


def _outside(y: Array, bounds: OutputRange) -> str | None:
    """Return which outputs are out of bounds, up to rounding; other checks look for NaN."""
    known, room = y[~np.isnan(y)], 1e-9 * max(1.0, float(np.nanmax(np.abs(y), initial=0.0)))
    if known.size and not (known.min() >= bounds.low - room and known.max() <= bounds.high + room):
        return f"y ranges from {known.min():.9g} to {known.max():.9g}"
    if bounds.sums_to_one and y.ndim > 1 and not np.allclose(y.sum(axis=-1), 1, rtol=0, atol=1e-6):
        return "the numbers of the last axis do not add up to 1"
    return None
