"""Outputs that do not suit the loss, and linear layers that could be merged."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from declnet import Kernel, Layer, Loss, OutputRange, Parameter, Registry, default_registry
from declnet.graph.shapes import infer_network
from declnet.registry.plugin import Plugin
from declnet.training.checks.model import (
    layer_for,
    linear_problems,
    loss_for,
    path_of_output_size,
    unsuitable_output,
)
from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    KLDivergence,
)
from declnet_plugins.standard.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
)

PROBABILITY, DISTRIBUTION = OutputRange(0, 1), OutputRange(0, 1, sums_to_one=True)
OTHERS = Plugin("others", "declnet-others", "1.0")


class Bounded(Layer):
    """A layer with weights, whose range is set by a test."""

    type = "bounded"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        """Not called."""

    def backward(self, x, y, dy, dx, state):
        """Not called."""


class Squash(Bounded):
    type = "sq"
    output_range = PROBABILITY


class SquashOfWidth(Squash):
    type = "s"
    width: int


class Answers(Loss):
    type = "an"
    targets = "binary"
    takes = "probabilities"

    def forward(self, y_pred, y_true, losses):
        """Not called."""

    def backward(self, y_pred, y_true, dy_pred):
        """Not called."""


class LogitLoss(Answers):
    type = "logit_loss"
    targets = "classes"
    takes = "logits"


class BinaryLogitLoss(LogitLoss):
    type = "binary_logit_loss"
    targets = "binary"


class MarginLoss(Answers):
    """A loss for scores; those above 1 mean class 1."""

    type = "margin_loss"
    takes = "scores"
    threshold = 1.0


class SquashAnswers(Kernel):
    type = "squash_answers"
    replaces = (Squash, Answers)

    def bind(self, site):
        """Not called."""


class Mixing(Bounded):
    """A linear map with a matrix or a row of weights, and another row without a declared role."""

    type = "mixing"
    is_linear = True
    role: str = "weight"
    trainable: bool = True
    columns: int = 4
    row: bool = False

    def output_shape(self, input_shape):
        return (self.columns,)

    def parameters(self, input_shape):
        shape = (self.columns,) if self.row else (input_shape[0], self.columns)
        first = Parameter(shape, "ones", trainable=self.trainable, role=self.role)
        return {"first": first, "second": Parameter((self.columns,), "ones")}


class Bent(Mixing):
    type = "bent"
    is_linear = False


def registry_of(*classes, first_party=True):
    registry = Registry()
    for entry in default_registry().entries() if first_party else ():
        registry.add(entry)
    for cls in classes:
        registry.register(cls, OTHERS)
    return registry


def test_layers_and_losses_are_suggested():
    """First-party layers come first, unless a kernel fuses another layer with the loss."""
    registry = registry_of(Squash, SquashOfWidth, Answers)
    suggested = [
        layer_for(loss, registry) for loss in (CategoricalCrossentropy, BinaryCrossentropy, Answers)
    ]
    assert suggested == ["softmax", "sigmoid", "sigmoid"]
    ranges = (DISTRIBUTION, PROBABILITY, OutputRange(), OutputRange(low=0), OutputRange(-1, 1))
    losses = [CategoricalCrossentropy, BinaryCrossentropy, None, None, None]
    assert [loss_for(output_range, registry) for output_range in ranges] == losses
    registry.register(SquashAnswers, OTHERS)
    assert [layer_for(loss, registry) for loss in (Answers, BinaryCrossentropy)] == [
        "sq",
        "sigmoid",
    ]
    others = registry_of(SquashOfWidth, first_party=False)
    assert layer_for(BinaryCrossentropy, others) == "s"
    others.register(Squash, OTHERS)
    assert layer_for(BinaryCrossentropy, others) == "sq"


DISTRIBUTIONS = (CategoricalCrossentropy(), KLDivergence())
VALUES = (Huber(), LogCosh(), MeanAbsoluteError(), MeanSquaredError())
BINARY, LOGITS, BINARY_LOGITS = BinaryCrossentropy(), LogitLoss(), BinaryLogitLoss()

ONE, THREE = ({"type": "dense", "units": units} for units in (1, 3))
HALF_DROPPED = {"type": "dropout", "rate": 0.5}


def bounded(output_range, first_party=True):
    """Return a registry with a layer `bounded` of that output range."""
    cls = type("Bounded", (Bounded,), {"output_range": output_range, "__module__": __name__})
    return registry_of(cls, first_party=first_party)


def nodes_of(*layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    built = [Layer.from_declaration(declaration, {"registry": registry}) for declaration in layers]
    return infer_network(built, input_shape, registry).nodes


@pytest.mark.parametrize(
    ("layers", "input_shape", "path"),
    [
        ([{"type": "dense", "units": 4}], (4,), (0, "units")),
        ([{"type": "dense", "units": 4}, "softmax"], (3,), (0, "units")),
        ([{"type": "conv2d", "filters": 3, "kernel_size": 3}], (1, 5, 5), (0, "filters")),
        ([{"type": "conv1d", "filters": 3, "kernel_size": 3}, "relu"], (5, 3), (0, "filters")),
        ([{"type": "dense", "units": 4}, {"type": "reshape", "shape": [2, 2]}], (3,), (1,)),
        ([{"type": "conv2d", "filters": 3, "kernel_size": 3}, "flatten"], (1, 5, 5), (1,)),
        (["relu"], (4,), (0,)),
    ],
)
def test_one_field_determines_the_size_of_the_output(layers, input_shape, path):
    assert path_of_output_size(nodes_of(*layers, input_shape=input_shape))[2:] == path


def output_problems(loss, *layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry)
    problem = unsuitable_output(loss, nodes, registry)
    return [] if problem is None else [problem]


def test_unknown_outputs_are_not_reported():
    nodes, registry = nodes_of(THREE), default_registry()
    for loss in (*DISTRIBUTIONS, *VALUES, BINARY, Hinge()):
        for shown in ((), (*nodes, None)):
            assert unsuitable_output(loss, shown, registry) is None
        both = {"type": "add", "inputs": ["dense_1", "dense_2"]}
        assert output_problems(loss, THREE, THREE, both) == []
        assert output_problems(loss, "flatten", "linear") == []
    assert unsuitable_output(None, nodes, registry) is None


@pytest.mark.parametrize(
    ("losses", "layers", "lasts"),
    [
        (DISTRIBUTIONS, (THREE, "softmax"), ["flatten", "linear"]),
        ((BINARY,), (ONE,), ["sigmoid", "hard_sigmoid"]),
        ((BINARY,), (THREE,), ["sigmoid"]),
        ((Hinge(),), (ONE,), ["linear", "tanh", "leaky_relu"]),
        (VALUES, (THREE,), ["linear", "relu", "sigmoid", "tanh"]),
        ((LOGITS, BINARY_LOGITS), (THREE,), ["linear", "leaky_relu", "batch_norm"]),
    ],
)
def test_suitable_outputs(losses, layers, lasts):
    for loss in losses:
        for last in lasts:
            assert output_problems(loss, *layers, last) == []


SOFTMAX_ALONE, SIGMOID_ALONE = 'use "softmax" instead', 'use "sigmoid" instead'
ADD_SOFTMAX, ADD_SIGMOID = 'add "softmax" as the last layer', 'add "sigmoid" as the last layer'
SIGMOID_OR = f"{SIGMOID_ALONE}, or the loss categorical_crossentropy"
FOR_TWO = 'for two classes, one unit with "sigmoid" and the loss binary_crossentropy suffice'


@pytest.mark.parametrize(
    ("losses", "layers", "code", "path", "words", "hint"),
    [
        *(
            (DISTRIBUTIONS, (ONE, last), "E043", (0, "units"), "{} needs a unit for each", FOR_TWO)
            for last in ("softmax", "linear")
        ),
        *(
            (DISTRIBUTIONS, (THREE, after), "W002", (0,), '"dense_1" gives any', ADD_SOFTMAX)
            for after in ("linear", "flatten", HALF_DROPPED)
        ),
        *(
            (DISTRIBUTIONS, (THREE, last), "W002", (1,), f'"{last}_1" gives', SOFTMAX_ALONE)
            for last in ("relu", "tanh", "gelu", "prelu")
        ),
        ((BINARY,), (THREE, "softmax"), "W002", (1,), "numbers that add up to 1", SIGMOID_OR),
        ((BINARY,), (ONE,), "W002", (0,), "any numbers", ADD_SIGMOID),
        ((BINARY,), (ONE, "batch_norm"), "W002", (1,), "any numbers", ADD_SIGMOID),
        ((BINARY,), (ONE, "relu"), "W002", (1,), "at least 0, but {} takes a sep", SIGMOID_ALONE),
        ((Hinge(),), (THREE, "relu"), "W002", (1,), '_1" never falls below 0', "remove it"),
        (VALUES, (THREE, "softmax"), "W002", (1,), "add up to 1", "remove it, or use the loss ca"),
        (VALUES, (ONE, "softmax"), "E043", (1,), "always 1", "remove it"),
        ((LOGITS,), (ONE,), "E043", (0, "units"), "needs a unit for each class", FOR_TWO),
        ((LOGITS,), (THREE, "softmax"), "W002", (1,), "add up to 1, but {} takes logits", "remove"),
        ((LOGITS,), (THREE, "sigmoid"), "W002", (1,), "a separate probability", "remove it"),
        ((BINARY_LOGITS,), (THREE, "tanh"), "W002", (1,), "from -1 to 1, but {}", "remove it"),
    ],
)
def test_unsuitable_outputs(losses, layers, code, path, words, hint):
    for loss in losses:
        (problem,) = output_problems(loss, *layers)
        assert (problem.code, problem.path) == (code, ("model", "layers", *path))
        assert words.format(loss.type) in problem.message
        assert problem.help.startswith(hint)


@pytest.mark.parametrize(
    ("loss", "output_range", "words"),
    [
        (MarginLoss(), OutputRange(1, 5), "never falls below 1, so margin_loss cannot predict the"),
        (MarginLoss(), OutputRange(-5, 1), "never rises above 1, so margin_loss cannot predict"),
        (MarginLoss(), OutputRange(0, 2), None),
        (MarginLoss(), OutputRange(), None),
        (MarginLoss(), None, None),
        (BINARY, OutputRange(low=-0.5), "gives numbers of at least -0.5, but"),
        (BINARY, OutputRange(0, 2), "gives numbers from 0 to 2, but"),
    ],
)
def test_ranges_of_third_party_layers_are_named(loss, output_range, words):
    problems = output_problems(loss, "bounded", registry=bounded(output_range))
    assert [problem.code for problem in problems] == ([] if words is None else ["W002"])
    assert all(f'"bounded_1" {words}' in problem.message for problem in problems)


@pytest.fixture(scope="module")
def registry():
    return registry_of(Mixing, Bent)


def dense(units, **fields):
    return {"type": "dense", "units": units, **fields}


def conv(filters, size=3, **fields):
    return {"type": "conv2d", "filters": filters, "kernel_size": size, **fields}


def join(*inputs):
    return {"type": "add", "inputs": list(inputs)}


def pool(kind):
    return {"type": kind, "pool_size": 2}


def depthwise(channels):
    return conv(channels, padding="same", groups=channels)


TABLE, NARROW, STEPS, IMAGES = (4,), (3,), (5, 4), (3, 9, 9)
DROPPED = {"type": "dropout", "rate": 0.1}


def mixed(**fields):
    return [dense(4), {"type": "mixing", **fields}, dense(4)]


@pytest.mark.parametrize(
    ("input_shape", "layers", "places"),
    [
        (TABLE, [dense(8), "linear", dense(3)], [2]),
        (TABLE, [dense(8), {"type": "reshape", "shape": [8]}, dense(3)], [2]),
        (TABLE, [dense(8), "linear", DROPPED, "flatten", dense(3)], [4]),
        *((TABLE, [dense(8), name, dense(3)], []) for name in ("relu", "softmax", "layer_norm")),
        (TABLE, [dense(8), dense(8), dense(3), "softmax"], [1, 2]),
        # fewer units than inputs and outputs: a matrix of low rank, as in a linear autoencoder
        (TABLE, [dense(2), dense(3)], []),
        (TABLE, [dense(3), dense(3)], [1]),
        (NARROW, [dense(2), dense(9)], []),
        (NARROW, [dense(3), dense(9)], [1]),
        (STEPS, [dense(8), dense(16)], [1]),
        (STEPS, [dense(3), dense(16)], []),
        # values that other layers read too
        (TABLE, [dense(8), dense(8), join("dense_1", "dense_2")], []),
        (TABLE, [dense(8), "linear", dense(8), join("dense_1", "dense_2")], []),
        (IMAGES, [conv(8), conv(4)], [1]),
        (IMAGES, [conv(8), pool("average_pool2d"), conv(4)], [2]),
        (IMAGES, [conv(8), "global_average_pool2d", dense(5)], [2]),
        (IMAGES, [conv(2), "global_average_pool2d", dense(5)], []),
        (IMAGES, [conv(8), pool("max_pool2d"), conv(4)], []),
        # separable convolutions
        ((16, 9, 9), [depthwise(16), conv(8, 1)], []),
        ((4, 9, 9), [conv(4, 1), depthwise(4)], []),
        (TABLE, mixed(), [1, 2]),
        (TABLE, mixed(columns=3), [1]),
        (TABLE, mixed(role="scale"), []),
        (TABLE, mixed(trainable=False), []),
        (TABLE, mixed(row=True), []),
        (TABLE, [dense(4), "bent", dense(4)], []),
    ],
)
def test_linear_layers_that_could_be_merged(registry, input_shape, layers, places):
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry)
    problems = linear_problems_of(nodes, registry)
    assert [problem.path[-1] for problem in problems] == places
    assert (
        linear_problems_of((*nodes, None), registry) == []
    )  # an unknown layer may read between them


def linear_problems_of(nodes, registry):
    inferred = SimpleNamespace(nodes=nodes)
    return [*linear_problems(SimpleNamespace(inferred=inferred, registry=registry))]
