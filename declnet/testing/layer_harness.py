"""One layer in a graph, with shapes and values that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.layer import Layer
from declnet.components.parameter import Parameter
from declnet.graph.nodes import Node
from declnet.graph.parameters import Parameters
from declnet.testing.check import CheckFailed, CheckSkipped, Subject, calling
from declnet.testing.comparison import same
from declnet.testing.harness import (
    GraphHarness,
    ShapeRefusedError,
    WatchedLayer,
    infer,
    sink,
    sources,
)
from declnet.testing.trial import SAMPLES, USUAL, WHOLE, Batch, Setting, Trial, batch_for

USUAL_SHAPES = ((5,), (3, 4), (2, 6, 5))
"""Features, sequences and images; a layer is tried with those that it accepts."""


class LayerHarness:
    """A layer between sources and a sink, for one input shape and setting.

    Attributes:
        layer: the layer.
        shape, shapes: of its input, and of its inputs: a tuple of shapes even for one.
        output: the shape of its output, as it infers it.
        trainable: names of the trainable parameters.
        initial: the parameters that each pass starts with; may be changed.
        parameters: the live arrays by name.
        watched: the layer as the graph sees it.
    """

    def __init__(self, subject: Subject, shape: Any, setting: Setting = USUAL) -> None:
        self.layer, self.shape, self.setting = subject.instance, shape, setting
        self.shapes = shapes_of(self.layer, shape)
        self._integers = self.layer.input_dtype == "integer"
        nodes = infer_chain(subject, shape, setting)
        node = nodes[-2]
        self.output: Shape = node.output_shape
        self.trainable = tuple(name for name, each in node.parameters.items() if each.trainable)
        start = subject.once(("initial", shape), lambda: _starting_parameters(nodes, subject))
        self.initial = {name: array.copy() for name, array in start.items()}
        self.watched: Any = WatchedLayer(node, setting.poison, _traits(node, setting))
        trained = any(each.parameters for each in nodes[:-2])
        nodes = (*nodes[:-2], _watched_node(node, self.watched, not trained), nodes[-1])
        self._input = self.shapes[0] if self._integers else (sum(map(prod, self.shapes)),)
        self._graph = GraphHarness(nodes, self._input, setting)
        arrays = self._graph.store.arrays
        self.parameters = {name: arrays[f"subject.{name}"] for name in self.initial}
        x, y_true = np.zeros((setting.capacity, *self._input)), np.zeros(setting.capacity)
        for state in self._graph.states(x, y_true, self.watched.forward):
            self.watched.spoil_workspace(state)

    def place(self, batch: Batch, *, training: bool = True) -> None:
        """Begin a pass."""
        self._n, self._training = len(batch.y), training
        rows = [array.reshape(self._n, -1) for array in batch.x]
        kind = "int64" if self._integers else self.setting.dtype
        self._x = np.concatenate(rows, axis=1).astype(kind).reshape(self._n, *self._input)
        slopes = np.zeros((self.setting.capacity, *self.output))
        slopes[: self._n] = batch.y
        own = {f"subject.{name}": array for name, array in self.initial.items()}
        self._graph.initial = {**own, "sink.slopes": slopes}
        if training:
            self._graph.place(self._x, np.zeros(self._n))

    def forward(self) -> Array:
        """Run the graph as far as the loss, or an evaluation; return a copy of y."""
        return self._graph.forward()[0] if self._training else self._graph.evaluate(self._x)

    def backward(self) -> dict[str, Array]:
        """Run the rest; return copies of what the layer filled: `dx`, `grad.weights`, ….

        Of several inputs there are `dx[0]`, `dx[1]`, ….
        """
        found, filled = self._graph.backward(), {}
        for position in range(len(self.shapes)):
            key = f"source_{position}.received"
            if key in found:
                filled[self.name_of_dx(position)] = found[key][: self._n]
        return filled | {f"grad.{name}": found[f"subject.{name}"] for name in self.trainable}

    def run(self, batch: Batch, *, training: bool = True) -> dict[str, Array]:
        """Run a batch through forward and, in training, backward; return what was filled."""
        self.place(batch, training=training)
        filled = {"y": self.forward()}
        return filled | self.backward() if training else filled

    def name_of_dx(self, position: int) -> str:
        """Return what messages call the gradient of an input."""
        return "dx" if self.layer.n_inputs == 1 else f"dx[{position}]"


def shapes_of(layer: Layer, shape: Any) -> tuple[Shape, ...]:
    """Return the shapes of a layer's inputs, a tuple even for one."""
    return (shape,) if layer.n_inputs == 1 else tuple(shape)


def infer_chain(subject: Subject, shape: Any, setting: Setting) -> tuple[Node, ...]:
    """Infer the nodes of sources, the layer and a sink; a layer of integers has no source.

    Raises:
        ShapeRefusedError: the layer refuses the shape by a ValueError.
        CheckFailed: it raises anything else, or declares what no graph can allocate.
    """
    layer, shapes, without = (
        subject.instance,
        shapes_of(subject.instance, shape),
        setting.without_dx,
    )
    before, input_shape = list[Layer](), shapes[0]
    if layer.input_dtype != "integer":
        wanted = [without not in (i, -1) for i in range(len(shapes))]
        before = sources(shapes, setting.capacity, setting.input_order, wanted)
        input_shape = (sum(map(prod, shapes)),)
    inputs = tuple(str(source.name) for source in before) or ("input",)
    placed = layer.model_copy(update={"name": "subject", "inputs": inputs})
    chain = [*before, placed, sink(setting.capacity, setting.order)]
    return infer(chain, input_shape, subject.registry)


def _traits(node: Node, setting: Setting) -> dict[str, Any]:
    """Traits of a layer whose arrays the graph keeps apart, to the end, in the setting's orders.

    A layer that has a workspace of a batch may rely on the memory order that it declares: that is
    the workspace's too.
    """
    if setting.as_declared:
        return {}
    order, workspace = node.layer.memory_order, node.workspace.values()
    if order == "any" or not any(each.per_sample for each in workspace):
        order = setting.order
    needs = node.layer.backward_needs if setting.spares else frozenset({"x", "y"})
    traits = {"memory_order": order, "input_order": "any", "backward_needs": needs}
    return {**traits, "in_place": False, "only_reshapes": False}


def _watched_node(node: Node, watched: Any, probed: bool) -> Node:
    """The node of a watched layer; its gradients are those of the layer, without a regularizer's.

    A layer below which nothing is trained gets another parameter, so that backward is called.
    """
    parameters = {name: replace(each, regularizer=None) for name, each in node.parameters.items()}
    if probed:
        parameters["conformance_probe"] = Parameter((1,), "zeros")
    return replace(node, layer=watched, parameters=parameters)


def _starting_parameters(nodes: tuple[Node, ...], subject: Subject) -> dict[str, Array]:
    """The layer's parameters by name, float64, always the same.

    The trainable ones are as their initializers make them, plus some noise, so that zeros and ones
    hide no fault of a gradient.
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


def candidate_shapes(layer: Layer) -> Iterator[Any]:
    """Yield the input shapes to try: the layer's `example_shapes`, else the kit's usual ones."""
    if layer.example_shapes:
        yield from layer.example_shapes
        return
    for shape in USUAL_SHAPES:
        if layer.n_inputs == 1:
            yield shape
        else:
            yield from ((shape,) * n for n in ((layer.n_inputs,) if layer.n_inputs else (1, 2, 3)))


def refusal(subject: Subject, shape: Any) -> str | None:
    """Return why a layer refuses an input shape, or None if it accepts it."""
    try:
        infer_chain(subject, shape, USUAL)
    except ShapeRefusedError as error:
        return str(error)
    except CheckFailed:  # the checks meet it again, and say so
        pass
    return None


def accepted_shapes(subject: Subject) -> tuple[Any, ...]:
    """Return the candidates that the layer does not refuse by a ValueError."""
    candidates = candidate_shapes(subject.instance)
    return subject.once(
        "accepted", lambda: tuple(each for each in candidates if refusal(subject, each) is None)
    )


def failing_pass(subject: Subject, shape: Any) -> CheckFailed | None:
    """Return the ValueError of a pass with an accepted input shape, or None if the pass works."""
    harness = LayerHarness(subject, shape, _PLAIN)
    try:
        harness.run(_drawn(harness, _values_for(subject.instance)[0], 0))
    except CheckFailed as failure:
        if type(failure) is CheckFailed and isinstance(failure.__cause__, ValueError):
            return failure
    return None


def working_shapes(subject: Subject) -> tuple[Any, ...]:
    """Return the input shapes to check with.

    A layer that inherits `output_shape` accepts every shape, perhaps without meaning to: of the
    kit's usual shapes, those on which it raises a ValueError are left out, unless all are.

    Raises:
        CheckSkipped: the layer accepts none of the kit's usual shapes.
    """
    shapes = subject.once("working", lambda: _working_shapes(subject))
    if not shapes:
        raise CheckSkipped("no input shape is known; declare example_shapes")
    return shapes


def _working_shapes(subject: Subject) -> tuple[Any, ...]:
    layer, accepted = subject.instance, accepted_shapes(subject)
    if layer.example_shapes or type(layer).output_shape is not Layer.output_shape:
        return accepted
    return tuple(shape for shape in accepted if failing_pass(subject, shape) is None) or accepted


_Values = Callable[[np.random.Generator, tuple[int, ...]], Array]

_FLOATS: tuple[_Values, ...] = (
    lambda rng, shape: rng.normal(size=shape),
    lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
)
_INTEGERS: tuple[_Values, ...] = (
    lambda rng, shape: rng.integers(0, 5, size=shape),
    lambda rng, shape: rng.integers(0, 2, size=shape),
)
_PLAIN = WHOLE.but(order="batch_first", input_order="batch_first", poison=0.0)
"""The setting that no layer should have trouble with."""


def batch_of(subject: Subject, harness: LayerHarness, seed: int = 0) -> Batch:
    """Draw inputs and gradients, `SAMPLES` of them.

    Normal draws, or numbers between 0.1 and 0.9 if the layer gives no finite result for those (a
    logarithm, say); integers from 0 to 4, or 0 and 1 if the layer takes no more.
    """
    values = subject.once(("values", harness.shapes), lambda: _fitting_values(subject, harness))
    return _drawn(harness, values, seed)


def _fitting_values(subject: Subject, harness: LayerHarness) -> _Values:
    candidates = _values_for(harness.layer)
    for values in candidates:
        trial = LayerHarness(subject, harness.shape, _PLAIN)
        try:
            if np.isfinite(trial.run(_drawn(trial, values, 0), training=False)["y"]).all():
                return values
        except CheckFailed:
            continue
    return candidates[0]


def _values_for(layer: Layer) -> tuple[_Values, ...]:
    """What to draw for a layer, the usual first."""
    return _INTEGERS if layer.input_dtype == "integer" else _FLOATS


def _drawn(harness: LayerHarness, values: _Values, seed: int) -> Batch:
    rng = np.random.default_rng([seed, 3])
    x = tuple(values(rng, (SAMPLES, *shape)) for shape in harness.shapes)
    return Batch(x, rng.normal(size=(SAMPLES, *harness.output)))


def harnesses(subject: Subject, setting: Setting = WHOLE) -> Iterator[tuple[LayerHarness, Batch]]:
    """Yield a harness and a batch for each input shape."""
    for shape in working_shapes(subject):
        harness = LayerHarness(subject, shape, setting)
        yield harness, batch_for(partial(batch_of, subject, harness), setting)


def draws_at_random(subject: Subject) -> bool:
    """Return whether a training pass depends on the layer's random stream, as in dropout."""

    def outputs(seed: int) -> list[Array]:
        return [each.run(batch)["y"] for each, batch in harnesses(subject, WHOLE.but(seed=seed))]

    def find() -> bool:
        first, *others = (outputs(seed) for seed in (0, 1, 2))
        pairs = (pair for other in others for pair in zip(first, other, strict=True))
        return not all(same(*pair) for pair in pairs)

    return subject.once("draws at random", find)


def try_layer(subject: Subject, setting: Setting) -> Trial:
    """Run forward and backward, and forward in evaluation, with each input shape."""
    trial, random = Trial(), draws_at_random(subject)
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
