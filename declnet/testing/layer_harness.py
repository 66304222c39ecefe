"""A layer between probes, and the input shapes and values that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, cast

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.network.inputs import InputInfo, input_value
from declnet.contracts.network.layer import Layer, input_dtypes
from declnet.contracts.network.parameter import Parameter
from declnet.graph.parameters import Parameters
from declnet.graph.shapes import Node
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling
from declnet.testing.harness import (
    GraphHarness,
    ShapeRefusedError,
    WatchedLayer,
    infer,
    probe,
)
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch, Setting, batch_for, copied

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
        initial: the parameters at the start of each pass; may be changed.
        watched: the layer as the graph sees it.
    """

    def __init__(
        self, subject: Subject, shape: Any, setting: Setting = USUAL, *, frozen: bool = False
    ) -> None:
        self.shape, self.shapes = shape, shapes_of(subject.instance, shape)
        self._setting, self.floats = setting, floats_of(subject.instance, self.shapes)
        used = (setting.capacity, setting.input_order, setting.order, setting.without_dx)
        nodes = subject.once(("chain", shape, *used), lambda: infer_chain(subject, shape, setting))
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
        self._inputs = inputs_of_chain(subject.instance, self.shapes)
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
        self._x = given
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
        for position, name in enumerate(names_of_dx(self.watched, self.shape)):
            if f"before_{position}.received" in found:
                filled[name] = found[f"before_{position}.received"][: self._n]
        return filled | {f"grad.{name}": found[f"subject.{name}"] for name in self.trainable}

    def measured(self, batch: Batch) -> dict[str, Array]:
        """Run forward on a batch as if to measure running statistics; return all parameters."""
        self.watched.measuring = True
        self.place(batch)
        self.forward()
        self.watched.measuring = False
        return {name: copied(self._graph.store.arrays[f"subject.{name}"]) for name in self.initial}

    def run(self, batch: Batch, *, training: bool = True) -> dict[str, Array]:
        """Run a batch through forward and, in training, backward; return what was filled."""
        self.place(batch, training=training)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled


def shapes_of(layer: Layer, shape: Any) -> tuple[Shape, ...]:
    """Return the shapes of a layer's inputs as a tuple, even for one."""
    return (shape,) if layer.n_inputs == 1 else tuple(shape)


def names_of_dx(layer: Layer, shape: Any) -> tuple[str, ...]:
    """Return the name of the gradient of each input: `dx`, or `dx[0]`, `dx[1]`, …."""
    return ("dx",) if layer.n_inputs == 1 else tuple(f"dx[{i}]" for i in range(len(shape)))


def infer_chain(subject: Subject, shape: Any, setting: Setting = USUAL) -> tuple[Node, ...]:
    """Return nodes of probes, the layer and a final probe; inputs of integers have no probe."""
    layer, shapes, samples = subject.instance, shapes_of(subject.instance, shape), setting.capacity
    chain, start, given = list[Layer](), 0, inputs_of_chain(layer, shapes)
    names = {name: input_value(name) for name in given}
    inputs = [names.get(f"integers_{i}", f"before_{i}") for i in range(len(shapes))]
    for i in floats_of(layer, shapes):
        fields = {"start": start, "shape": shapes[i], "receives": setting.without_dx not in (i, -1)}
        own = {"name": inputs[i], "inputs": (names[FLOATS],), "samples": samples, **fields}
        chain.append(probe(setting.input_order, **own))
        start += prod(shapes[i])
    chain.append(layer.model_copy(update={"name": "subject", "inputs": tuple(inputs)}))
    chain.append(probe(setting.order, name="after", samples=samples))
    return infer(chain, given, subject.registry)


def floats_of(layer: Layer, shapes: tuple[Shape, ...]) -> tuple[int, ...]:
    """Return the positions of a layer's inputs that hold floats."""
    kinds = input_dtypes(layer, len(shapes))
    return tuple(position for position, kind in enumerate(kinds) if kind == "float")


def inputs_of_chain(layer: Layer, shapes: tuple[Shape, ...]) -> dict[str, InputInfo]:
    """Return the inputs of `infer_chain`'s model: all floats as one, and each of integers."""
    floats = floats_of(layer, shapes)
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
            harness = LayerHarness(subject, shape, _PLAIN)
        except ShapeRefusedError as refusal:
            return refusal
        try:
            harness.run(_drawn(harness, _values_for(subject.instance)[0], 0))
        except CheckFailed as failure:
            if type(failure) is CheckFailed and isinstance(failure.__cause__, ValueError):
                return failure
        return None

    shapes = candidate_shapes(subject.instance)
    return subject.once("refusals", lambda: {shape: find(shape) for shape in shapes})


def working_shapes(subject: Subject) -> tuple[Any, ...]:
    """Return the input shapes to check with; raise CheckSkipped if the layer accepts none.

    A layer that inherits `output_shape` accepts every shape, perhaps unintentionally. Usual shapes
    on which it raises a ValueError are therefore left out, unless it fails on all of them.
    """
    layer, found = subject.instance, refusals(subject).items()
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
