"""A layer between probes, and the input shapes and values that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet import Array, InputInfo, Layer, Model, Parameter, Shape, Workspace
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject
from declnet.testing.harness import ZEROS, ModelHarness, ShapeRefusedError, build, is_refusal, probe
from declnet.testing.trial import PLAIN, SAMPLES, USUAL, Batch, Setting, batch_for, copied
from declnet.testing.watched import WatchedLayer

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with the shapes that it accepts."""

LEVELS = 5
"""Number of distinct integers in an integer layer's input."""

FLOATS = "floats"
"""The input of the harness's model that holds all floats."""


class LayerHarness:
    """A layer between probes, for one input shape and setting.

    Args:
        frozen: whether its parameters are frozen.

    Attributes:
        shape, shapes: the input shape, and the shapes of all inputs as a tuple, even for one.
        floats: the positions of the inputs that hold floats, not integers.
        output: the shape of its output, as inferred by the layer.
        trainable: names of the trainable parameters.
        initial: the parameters at the start of each pass.
        watched: the layer as the graph sees it.
    """

    def __init__(
        self, subject: Subject, shape: Any, setting: Setting = USUAL, *, frozen: bool = False
    ) -> None:
        layer: Layer = subject.instance
        self.shape, self.shapes = shape, shapes_of(layer, shape)
        self._subject, self._setting = subject, setting
        self.floats = floats_of(layer, self.shapes)
        start = subject.once(("initial", shape), lambda: _starting_parameters(subject, shape))
        self.initial: dict[str, Array] = start
        traits_of = None if setting.as_declared else partial(_traits, setting)
        self.watched: Any = WatchedLayer(layer, setting.poison, traits_of, added={})
        if not _receiving(self.floats, setting):  # so that backward is called
            self.watched.traits["added"] = {"conformance_probe": Parameter((1,), ZEROS)}
        if frozen:
            self.watched.traits["trainable"] = False
        model = build_chain(subject, shape, setting, self.watched)
        node = model.nodes[-2]
        self.output: Shape = node.output_shape
        trained = [name for name, parameter in node.parameters.items() if parameter.trainable]
        self.trainable = () if frozen else tuple(name for name in trained if name in start)
        self._harness = ModelHarness(model, setting)

    def spoil(self, value: float) -> None:
        """Let arrays that must not be read hold another value."""
        self.watched.spoiled = self._harness.spoiled = value

    def begin(self, batch: Batch, *, training: bool = True, **parameters: Array) -> None:
        """Begin a pass, with other values of some parameters."""
        self._n, self._training, self.watched.forward_arguments = len(batch.y), training, ()
        self._x = {
            f"integers_{i}": array.astype("int64")
            for i, array in enumerate(batch.x)
            if i not in self.floats
        }
        rows = [batch.x[i].reshape(self._n, -1) for i in self.floats]
        if rows:
            self._x[FLOATS] = np.concatenate(rows, axis=1).astype(self._setting.dtype)
        slopes = np.zeros((self._setting.capacity, *self.output))
        slopes[: self._n] = batch.y
        values = (self.initial | parameters).items()
        self._harness.initial = {f"subject.{name}": array for name, array in values}
        self._harness.initial["after.slopes"] = slopes
        if training:
            self._harness.begin(self._x, np.zeros(self._n))

    def set_step(self, number: int) -> None:
        """Set the number of the next passes' step, for scheduled fields."""
        self._harness.number = number

    def forward(self) -> Array:
        """Run the graph as far as the loss, or an evaluation; return a copy of y."""
        if self._training:
            return self._harness.step.forward()[0]
        return self._harness.evaluate(self._x)

    def backward(self) -> dict[str, Array]:
        """Run the rest; return copies of what the layer filled: `dx`, `grad.weights`, ….

        With several inputs, the names are `dx[0]`, `dx[1]`, ….
        """
        gradients, filled = self._harness.step.backward(), {}
        for position, name in enumerate(names_of_dx(self.watched, self.shape)):
            if f"before_{position}.received" in gradients:
                filled[name] = gradients[f"before_{position}.received"][: self._n]
        return filled | {f"grad.{name}": gradients[f"subject.{name}"] for name in self.trainable}

    def measured(self, batch: Batch, **parameters: Array) -> dict[str, Array]:
        """Run forward on a batch as if to measure running statistics; return all parameters."""
        self.watched.measuring = True
        self.begin(batch, **parameters)
        self.forward()
        self.watched.measuring = False
        values = self._harness.step.parameters
        return {name: copied(values[f"subject.{name}"]) for name in self.initial}

    def run(self, batch: Batch, *, training: bool = True, **parameters: Array) -> dict[str, Array]:
        """Run a batch through forward and, in training, backward; return what was filled."""
        self.begin(batch, training=training, **parameters)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled

    def unwatched(self, batch: Batch) -> tuple[Layer, Sequence[Callable[[], object]]]:
        """Return the layer and the calls of a step on a batch, without a watch on the layer."""
        self.begin(batch)
        model = build_chain(self._subject, self.shape)
        harness = ModelHarness(model, self._setting)
        harness.initial = model.parameters()
        return model.nodes[-2].layer, harness.calls(self._x, np.zeros(self._n))


def harness_for(
    subject: Subject, shape: Any, setting: Setting = USUAL, *, frozen: bool = False
) -> LayerHarness:
    """Return a harness for a setting, the same one for settings that differ in the batch alone."""
    same = USUAL.but(
        samples=setting.capacity,
        after=setting.after,
        dtype=setting.dtype,
        input_order=setting.input_order,
        order=setting.order,
        use=min(setting.use, 1),
        as_declared=setting.as_declared,
        spares=setting.spares,
        without_dx=setting.without_dx,
    )
    key = ("harness", shape, same, frozen)
    build = partial(LayerHarness, subject, shape, same, frozen=frozen)
    harness: LayerHarness = subject.once(key, build)
    harness.spoil(setting.poison)
    return harness


def shapes_of(layer: Layer, shape: Any) -> tuple[Shape, ...]:
    """Return the shapes of a layer's inputs as a tuple, even for one."""
    return (shape,) if layer.n_inputs == 1 else tuple(shape)


def names_of_dx(layer: Layer, shape: Any) -> tuple[str, ...]:
    """Return the name of the gradient of each input: `dx`, or `dx[0]`, `dx[1]`, …."""
    return ("dx",) if layer.n_inputs == 1 else tuple(f"dx[{i}]" for i in range(len(shape)))


def build_chain(
    subject: Subject, shape: Any, setting: Setting = USUAL, stand_in: Any = None
) -> Model:
    """Build a model of probes, the layer and a final probe; inputs of integers have no probe.

    Args:
        subject: the layer.
        shape: its input shape.
        setting: the number of samples, the float type and the memory orders.
        stand_in: a watched layer to use in its place, whose component gets its name and inputs.
    """
    layer, shapes, samples = subject.instance, shapes_of(subject.instance, shape), setting.capacity
    chain, start, inputs = list[Layer](), 0, inputs_of_chain(layer, shapes)
    floats = floats_of(layer, shapes)
    receiving = _receiving(floats, setting)
    for i in floats:
        chain.append(
            probe(
                setting.input_order,
                name=f"before_{i}",
                inputs=(f"input.{FLOATS}",),
                samples=samples,
                start=start,
                shape=shapes[i],
                receives=i in receiving,
            )
        )
        start += prod(shapes[i])
    names = (f"before_{i}" if i in floats else f"input.integers_{i}" for i in range(len(shapes)))
    placed = layer.model_copy(update={"name": "subject", "inputs": tuple(names)})
    if stand_in is not None:
        stand_in.component, placed = placed, stand_in
    chain += [placed, probe(setting.order, name="after", samples=samples)]
    return build(chain, inputs, subject.registry, setting.dtype)


def _receiving(floats: tuple[int, ...], setting: Setting) -> tuple[int, ...]:
    """Return the positions of the inputs whose gradients are needed."""
    return tuple(i for i in floats if setting.without_dx not in (i, -1))


def floats_of(layer: Layer, shapes: tuple[Shape, ...]) -> tuple[int, ...]:
    """Return the positions of a layer's inputs that hold floats."""
    declared = layer.input_dtype
    types = declared if isinstance(declared, tuple) else (declared,)
    types += types[-1:] * len(shapes)
    return tuple(i for i in range(len(shapes)) if types[i] == "float")


def inputs_of_chain(layer: Layer, shapes: tuple[Shape, ...]) -> dict[str, InputInfo]:
    """Return the inputs of `build_chain`'s model: all floats as one, and each of integers."""
    floats = floats_of(layer, shapes)
    inputs = {FLOATS: InputInfo((sum(prod(shapes[i]) for i in floats),))} if floats else {}
    for i, shape in enumerate(shapes):
        if i not in floats:
            inputs[f"integers_{i}"] = integers_of(shape)
    return inputs


def integers_of(shape: Shape) -> InputInfo:
    """Return what a layer learns of an input of integers."""
    return InputInfo(shape, "integer", (LEVELS,) * prod(shape))


def _traits(setting: Setting, layer: Layer, workspace: Mapping[str, Workspace]) -> dict[str, Any]:
    """Return traits that make the graph keep a layer's arrays apart, in the setting's orders.

    A layer with a per-sample workspace may rely on its declared memory order, which the workspace
    has too.
    """
    order: str = layer.memory_order
    if order == "any" or not any(array.per_sample for array in workspace.values()):
        order = setting.order
    needs = layer.backward_needs if setting.spares else frozenset({"x", "y"})
    traits = {"memory_order": order, "input_order": "any", "backward_needs": needs}
    return {**traits, "in_place": False, "only_reshapes": False}


def _starting_parameters(subject: Subject, shape: Any) -> dict[str, Array]:
    """Return the layer's parameters by name, in float64, always the same.

    Trainable ones get some noise, so that zeros and ones do not hide gradient errors.
    """
    model, rng = build_chain(subject, shape), np.random.default_rng(7)
    values = model.parameters()
    for name, parameter in model.nodes[-2].parameters.items():
        noise = 0.1 * rng.normal(size=values[f"subject.{name}"].shape)
        values[f"subject.{name}"] += noise if parameter.trainable else 0
    return {name: values[f"subject.{name}"] for name in model.nodes[-2].parameters}


def candidate_shapes(layer: Layer) -> tuple[Any, ...]:
    """Return the input shapes to try: the layer's `example_shapes`, else the kit's usual ones."""
    if layer.example_shapes or layer.n_inputs == 1:
        return layer.example_shapes or USUAL_SHAPES
    counts = (layer.n_inputs,) if layer.n_inputs else (1, 2, 3)
    return tuple((shape,) * count for shape in USUAL_SHAPES for count in counts)


def refusals(subject: Subject) -> dict[Any, CheckFailed | None]:
    """Return the shapes to try, each with a layer's refusal or the ValueError of a pass, or None.

    Raises CheckFailed if the layer raises anything else before a pass.
    """

    def find(shape: Any) -> CheckFailed | None:
        try:
            harness = harness_for(subject, shape, PLAIN)
        except ShapeRefusedError as refusal:
            return refusal
        try:
            harness.run(_drawn(harness, _values_for(subject.instance)[0], 0))
        except CheckFailed as failure:
            if is_refusal(failure):
                return failure
        return None

    shapes = candidate_shapes(subject.instance)
    return subject.once("refusals", lambda: {shape: find(shape) for shape in shapes})


def working_shapes(subject: Subject) -> tuple[Any, ...]:
    """Return the input shapes to check with; raise CheckSkipped if the layer accepts none.

    A layer that inherits `output_shape` accepts every shape, perhaps unintentionally. Usual shapes
    on which it raises a ValueError are therefore left out, unless it fails on all of them.
    """
    layer, refused = subject.instance, refusals(subject).items()
    shapes = [shape for shape, refusal in refused if not isinstance(refusal, ShapeRefusedError)]
    if not layer.example_shapes and type(layer).output_shape is Layer.output_shape:
        shapes = [shape for shape, refusal in refused if refusal is None] or shapes
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


def batch_of(
    subject: Subject, harness: LayerHarness, seed: int = 0, samples: int = SAMPLES
) -> Batch:
    """Draw inputs and gradients.

    These are normal draws, or numbers between 0.1 and 0.9 if the layer has no finite result for
    normal ones (e.g. a logarithm); or integers from 0 to 4, or 0 and 1 if it takes no others.
    """

    def find() -> _Values:
        plain = harness_for(subject, harness.shape, PLAIN)
        for values in candidates:
            with suppress(CheckFailed):
                if np.isfinite(plain.run(_drawn(plain, values, 0), training=False)["y"]).all():
                    return values
        return candidates[0]

    candidates = _values_for(subject.instance)
    values = subject.once(("values", harness.shapes), find)
    batch = _drawn(harness, values, seed, samples)
    return replace(batch, is_bounded=values is not _FLOATS[0])


def _values_for(layer: Layer) -> tuple[_Values, ...]:
    return _INTEGERS if layer.input_dtype == "integer" else _FLOATS


def _drawn(harness: LayerHarness, values: _Values, seed: int, samples: int = SAMPLES) -> Batch:
    rng, mixed = np.random.default_rng([seed, 3]), 0 < len(harness.floats) < len(harness.shapes)
    x = tuple(
        (_INTEGERS[0] if mixed and i not in harness.floats else values)(rng, (samples, *shape))
        for i, shape in enumerate(harness.shapes)
    )
    return Batch(x, rng.normal(size=(samples, *harness.output)))


def harnesses(subject: Subject, setting: Setting) -> Iterator[tuple[LayerHarness, Batch]]:
    """Yield a harness and a batch for each input shape."""
    for shape in working_shapes(subject):
        harness = harness_for(subject, shape, setting)
        yield harness, batch_for(partial(batch_of, subject, harness), setting)
