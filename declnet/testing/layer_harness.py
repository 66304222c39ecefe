"""A layer between probes, and the input shapes and values that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from declnet import Array, InputInfo, Layer, Model, Parameter, Shape, Workspace
from declnet.testing.checking import CheckFailed, Subject, skip_unless
from declnet.testing.harness import ZEROS, ModelHarness, ShapeRefusedError, build, is_refusal, probe
from declnet.testing.trial import PLAIN, SAMPLES, USUAL, Batch, Setting, batch_for, copied
from declnet.testing.watched import WatchedLayer

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with the shapes that it accepts."""

LEVELS = 5
"""Number of distinct integers in an integer layer's input."""


OF_GRAPH = ("after", "dtype", "input_order", "order", "as_declared", "spares", "without_dx")
"""What a graph depends on, of a setting."""


NONE: Mapping[str, Array] = MappingProxyType({})
"""No parameters."""


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
        model: training steps of the probes and the layer.
    """

    def __init__(
        self, subject: Subject, shape: Any, setting: Setting = USUAL, *, frozen: bool = False
    ) -> None:
        layer: Layer = subject.instance
        self.shape, self.shapes = shape, shapes_of(layer, shape)
        self._subject, self._setting = subject, setting
        self.floats = floats_of(layer, self.shapes)
        traits_of = None if setting.as_declared else partial(_traits, setting)
        self.watched: Any = WatchedLayer(layer, setting.spoiled, traits_of, added={})
        if not any(_receives(setting, i) for i in self.floats):  # so that backward is called
            self.watched.traits["added"] = {"conformance_probe": Parameter((1,), ZEROS)}
        if frozen:
            self.watched.traits["trainable"] = False
        model = build_chain(subject, shape, setting, self.watched)
        self.output: Shape = model.nodes[-2].output_shape
        declared, values = model.nodes[-2].parameters, model.parameters()
        names = [name for name in declared if name not in self.watched.traits["added"]]
        trained = tuple(name for name in names if declared[name].trainable)
        self.initial, rng = dict[str, Array](), np.random.default_rng(7)
        for name in names:
            value = values[f"subject.{name}"].astype(float)
            noise = rng.normal(scale=0.1, size=value.shape)  # zeros and ones would hide errors
            self.initial[name] = value + noise if name in trained else value
        self.trainable = () if frozen else trained
        self.model = ModelHarness(model, setting)

    def begin(
        self, batch: Batch, *, training: bool = True, parameters: Mapping[str, Array] = NONE
    ) -> None:
        """Begin a pass, with other values of some parameters."""
        self._n, self._training, self.watched.forward_arguments = len(batch.y), training, ()
        types = dict.fromkeys(self.floats, self._setting.dtype)
        self._x = {f"x_{i}": x.astype(types.get(i, "int64")) for i, x in enumerate(batch.x)}
        slopes = np.zeros((self._setting.capacity, *self.output))
        slopes[: self._n] = batch.y
        values = (self.initial | dict(parameters)).items()
        self.model.initial = {f"subject.{name}": array for name, array in values}
        self.model.initial["after.slopes"] = slopes
        if training:
            self.model.begin(self._x, np.zeros(self._n))

    def forward(self) -> Array:
        """Run the graph as far as the loss, or an evaluation; return a copy of y."""
        if self._training:
            return self.model.step.forward()[0]
        return self.model.evaluate(self._x)

    def backward(self) -> dict[str, Array]:
        """Run the rest; return copies of what the layer filled: `dx`, `grad.weights`, ….

        With several inputs, the names are `dx[0]`, `dx[1]`, ….
        """
        gradients, filled = self.model.step.backward(), {}
        for position, name in enumerate(names_of_dx(self.watched, self.shape)):
            if f"before_{position}.received" in gradients:
                filled[name] = gradients[f"before_{position}.received"][: self._n]
        return filled | {f"grad.{name}": gradients[f"subject.{name}"] for name in self.trainable}

    def measured(self, batch: Batch, parameters: Mapping[str, Array] = NONE) -> dict[str, Array]:
        """Run forward on a batch as if to measure running statistics; return all parameters."""
        self.watched.measuring = True
        self.begin(batch, parameters=parameters)
        self.forward()
        self.watched.measuring = False
        values = self.model.step.parameters
        return {name: copied(values[f"subject.{name}"]) for name in self.initial}

    def run(self, batch: Batch, *, training: bool = True) -> dict[str, Array]:
        """Run a batch through forward and, in training, backward; return what was filled."""
        self.begin(batch, training=training)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled

    def batch(self, seed: int = 0, samples: int = SAMPLES) -> Batch:
        """Draw inputs and gradients, bounded if the layer has no finite result for others."""

        def find() -> bool:
            plain = harness_for(self._subject, self.shape, PLAIN)
            for is_bounded in (False, True):
                with suppress(CheckFailed):
                    batch = plain.drawn(0, SAMPLES, is_bounded)
                    if np.isfinite(plain.run(batch, training=False)["y"]).all():
                        return is_bounded
            return False

        is_bounded = self._subject.once(("is bounded", self.shapes), find)
        return self.drawn(seed, samples, is_bounded)

    def drawn(self, seed: int, samples: int, is_bounded: bool) -> Batch:
        """Draw inputs and gradients: normal draws and integers from 0 to 4.

        If bounded, inputs are numbers between 0.1 and 0.9, as a logarithm takes them, and 0 and 1.
        """

        def draw(size: Shape, is_float: bool) -> Array:
            if not is_float:
                return rng.integers(0, 2 if is_bounded else LEVELS, size)
            return rng.uniform(0.1, 0.9, size) if is_bounded else rng.normal(size=size)

        rng, shapes = np.random.default_rng([seed, 3]), enumerate(self.shapes)
        x = tuple(draw((samples, *shape), i in self.floats) for i, shape in shapes)
        return Batch(x, rng.normal(size=(samples, *self.output)), is_bounded)

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
    samples, use = setting.capacity, min(setting.use, 1)
    same = USUAL.but(samples=samples, use=use, **{key: getattr(setting, key) for key in OF_GRAPH})
    key = ("harness", shape, same, frozen)
    build = partial(LayerHarness, subject, shape, same, frozen=frozen)
    harness: LayerHarness = subject.once(key, build)
    harness.watched.spoiled = harness.model.spoiled = setting.spoiled
    return harness


def shapes_of(layer: Layer, shape: Any) -> tuple[Shape, ...]:
    """Return the shapes of a layer's inputs as a tuple, even for one."""
    return (shape,) if layer.n_inputs == 1 else tuple(shape)


def names_of_dx(layer: Layer, shape: Any) -> tuple[str, ...]:
    """Return the name of the gradient of each input: `dx`, or `dx[0]`, `dx[1]`, …."""
    return ("dx",) if layer.n_inputs == 1 else tuple(f"dx[{i}]" for i in range(len(shape)))


def build_chain(
    subject: Subject,
    shape: Any,
    setting: Setting = USUAL,
    stand_in: Any = None,
    *,
    later: Sequence[Layer] = (),
    is_first: bool = False,
    is_last: bool = False,
) -> Model:
    """Build a model of probes, the layer and a final probe; inputs of integers have no probe.

    Args:
        subject: the layer.
        shape: its input shape.
        setting: the number of samples, the float type and the memory orders.
        stand_in: a watched layer to use in its place, whose component gets its name and inputs.
        later: layers that read its output, one after the other.
        is_first: whether it reads the model's inputs, without probes.
        is_last: whether no probe reads the output.
    """
    layer, shapes = subject.instance, shapes_of(subject.instance, shape)
    floats, chain, samples = floats_of(layer, shapes), list[Layer](), setting.capacity
    probed = () if is_first else floats
    for i in probed:
        place = {"name": f"before_{i}", "inputs": (f"input.x_{i}",), "samples": samples}
        chain.append(probe(setting.input_order, **place, receives=_receives(setting, i)))
    names = (f"before_{i}" if i in probed else f"input.x_{i}" for i in range(len(shapes)))
    placed = layer.model_copy(update={"name": "subject", "inputs": tuple(names)})
    if stand_in is not None:
        stand_in.component, placed = placed, stand_in
    last = [] if is_last else [probe(setting.order, name="after", samples=samples)]
    chain += [placed, *later, *last]
    infos = (InputInfo(x) if i in floats else integers_of(x) for i, x in enumerate(shapes))
    inputs = {f"x_{i}": info for i, info in enumerate(infos)}
    return build(chain, inputs, subject.registry, setting.dtype)


def _receives(setting: Setting, position: int) -> bool:
    """Return whether the gradient of an input is needed."""
    return setting.without_dx not in (position, -1)


def floats_of(layer: Layer, shapes: tuple[Shape, ...]) -> tuple[int, ...]:
    """Return the positions of a layer's inputs that hold floats."""
    declared = layer.input_dtype
    types = declared if isinstance(declared, tuple) else (declared,)
    types += types[-1:] * len(shapes)
    return tuple(i for i in range(len(shapes)) if types[i] == "float")


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
            harness.run(harness.drawn(0, SAMPLES, is_bounded=False))
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
    skip_unless(shapes, "no input shape is known; declare example_shapes")
    return tuple(shapes)


def harnesses(subject: Subject, setting: Setting) -> Iterator[tuple[LayerHarness, Batch]]:
    """Yield a harness and a batch for each input shape."""
    for shape in working_shapes(subject):
        harness = harness_for(subject, shape, setting)
        yield harness, batch_for(harness.batch, setting)
