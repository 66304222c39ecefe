"""What the model's output must be for a loss, and which layers could be one."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Kernel, Layer, Loss, OutputRange, Parameter, Registry, default_registry
from declnet.graph.shapes import infer_nodes
from declnet.registry.plugin import Plugin
from declnet.training.checks.model import (
    layer_for,
    linear_problems,
    loss_for,
    output_problems,
    path_of_output_size,
)
from declnet_plugins.standard.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
)

PROBABILITY, DISTRIBUTION = OutputRange(0, 1), OutputRange(0, 1, sums_to_one=True)
OTHERS = Plugin("others", "declnet-others", "1.0")


class Bounded(Layer):
    """A layer with its own weights; its range is set by a test."""

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
    """Takes scores; those above 1 mean 1."""

    type = "margin_loss"
    takes = "scores"
    threshold = 1.0


class Undeclared(MarginLoss):
    type = "undeclared"
    takes = None


class SquashAnswers(Kernel):
    type = "squash_answers"
    replaces = (Squash, Answers)

    def bind(self, site):
        """Not called."""


class Sized(Bounded):
    """A component with `width` outputs, at most 5."""

    type = "sized"
    spare: int = 5
    width: int = 5

    def output_shape(self, input_shape):
        if self.width > 5 and self.spare == 5:
            raise RuntimeError(np.zeros(3))
        return (self.width,)


class Mixing(Bounded):
    """A linear map: a matrix or a row of numbers, and another row without a declared role."""

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
    own = Registry()
    for entry in default_registry().entries() if first_party else ():
        own.add(entry)
    for each in classes:
        own.register(each, OTHERS)
    return own


@pytest.mark.parametrize("others", [(), (Squash, SquashOfWidth, Answers)])
def test_declnets_own_are_suggested_first(others):
    registry = registry_of(*others)
    assert layer_for(CategoricalCrossentropy, registry) == "softmax"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"
    assert loss_for(DISTRIBUTION, registry) is CategoricalCrossentropy
    assert loss_for(PROBABILITY, registry) is BinaryCrossentropy
    for given in (OutputRange(), OutputRange(low=0), OutputRange(-1, 1)):
        assert loss_for(given, registry) is None


def test_a_layer_that_a_kernel_joins_with_the_loss_is_suggested_before_them():
    registry = registry_of(Squash, Answers)
    assert layer_for(Answers, registry) == "sigmoid"
    registry.register(SquashAnswers, OTHERS)
    assert layer_for(Answers, registry) == "sq"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"


def test_one_that_its_name_alone_declares_is_suggested_before_a_shorter_one():
    registry = registry_of(SquashOfWidth, first_party=False)
    assert layer_for(BinaryCrossentropy, registry) == "s"
    registry.register(Squash, OTHERS)
    assert layer_for(BinaryCrossentropy, registry) == "sq"


def test_where_nothing_fits_nothing_is_suggested():
    registry = registry_of(Answers, Bounded, Mixing, first_party=False)
    assert layer_for(Answers, registry) is None
    assert layer_for(Hinge, registry) is None
    assert loss_for(DISTRIBUTION, registry) is None
    assert loss_for(PROBABILITY, registry) is Answers
    (problem,) = linear_problems(nodes_of("mixing", "mixing", registry=registry), registry)
    assert problem.help == "put an activation between them, or remove one of them"
    (problem,) = found(BinaryCrossentropy(), "bounded", registry=bounded(OutputRange(low=0), False))
    assert problem.help == ("use a layer that gives a separate probability for each unit instead")
    only = {"input_shape": (1,), "registry": bounded(OutputRange(low=0), False)}
    (problem,) = found(CategoricalCrossentropy(), "bounded", **only)
    assert problem.help is None


DISTRIBUTIONS = (CategoricalCrossentropy(), KLDivergence())
VALUES = (Huber(), LogCosh(), MeanAbsoluteError(), MeanSquaredError())
BINARY, LOGITS, BINARY_LOGITS = BinaryCrossentropy(), LogitLoss(), BinaryLogitLoss()
ALL = (*DISTRIBUTIONS, *VALUES, BINARY, Hinge())

ONE, THREE = ({"type": "dense", "units": units} for units in (1, 3))
CONVOLUTION = {"type": "conv2d", "filters": 2, "kernel_size": 1}
HALF_DROPPED = {"type": "dropout", "rate": 0.5}


def bounded(given, first_party=True):
    """A registry with a layer `bounded` of that range."""
    cls = type("Bounded", (Bounded,), {"output_range": given, "__module__": __name__})
    return registry_of(cls, first_party=first_party)


def nodes_of(*layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    built = [Layer.from_declaration(each, {"registry": registry}) for each in layers]
    return infer_nodes(built, input_shape, registry)


def found(loss, *layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry)
    return output_problems(loss, nodes, registry)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_what_is_not_known_is_trusted(loss):
    nodes = nodes_of(THREE)
    assert output_problems(loss, (), default_registry()) == []
    assert output_problems(loss, (*nodes, None), default_registry()) == []
    assert output_problems(None, nodes, default_registry()) == []
    assert found(loss, THREE, THREE, {"type": "add", "inputs": ["dense_1", "dense_2"]}) == []
    assert found(loss, "flatten", "linear") == []


@pytest.mark.parametrize(
    ("losses", "layers", "lasts"),
    [
        (DISTRIBUTIONS, (THREE, "softmax"), ["flatten", "linear"]),
        ((BINARY,), (ONE,), ["sigmoid", "hard_sigmoid"]),
        ((BINARY,), (THREE,), ["sigmoid", "hard_sigmoid"]),
        ((Hinge(),), (ONE,), ["linear", "tanh", "leaky_relu"]),
        (VALUES, (THREE,), ["linear", "relu", "sigmoid", "tanh"]),
        ((LOGITS, BINARY_LOGITS), (THREE,), ["linear", "leaky_relu", "batch_norm"]),
        ((BINARY_LOGITS,), (ONE,), ["linear"]),
        ((Undeclared(),), (ONE,), ["softmax", "relu", "linear"]),
    ],
)
def test_outputs_that_suit(losses, layers, lasts):
    for loss in losses:
        for last in lasts:
            assert found(loss, *layers, last) == []


SOFTMAX_ALONE, SIGMOID_ALONE = 'use "softmax" instead', 'use "sigmoid" instead'
ADD_SOFTMAX, ADD_SIGMOID = 'add "softmax" as the last layer', 'add "sigmoid" as the last layer'
FOR_TWO = 'for two classes, one unit with "sigmoid" and the loss binary_crossentropy suffice'


@pytest.mark.parametrize(
    ("losses", "layers", "code", "path", "words", "hint"),
    [
        *(
            (DISTRIBUTIONS, (ONE, last), "E043", (0, "units"), "{} needs a unit for each", FOR_TWO)
            for last in ("softmax", "sigmoid", "linear")
        ),
        *(
            (DISTRIBUTIONS, (THREE, after), "W002", (0,), '"dense_1" gives any', ADD_SOFTMAX)
            for after in ("linear", "flatten", HALF_DROPPED)
        ),
        *(
            (DISTRIBUTIONS, (THREE, each), "W002", (1,), f'"{each}_1" gives', SOFTMAX_ALONE)
            for each in ("relu", "tanh", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus")
        ),
        (DISTRIBUTIONS, (THREE, "prelu"), "W002", (1,), "any numbers", SOFTMAX_ALONE),
        (
            (BINARY,),
            (THREE, "softmax"),
            "W002",
            (1,),
            "numbers that add up to 1",
            f"{SIGMOID_ALONE}, or the loss categorical_crossentropy",
        ),
        ((BINARY,), (ONE,), "W002", (0,), "any numbers", ADD_SIGMOID),
        ((BINARY,), (ONE, "batch_norm"), "W002", (1,), "any numbers", ADD_SIGMOID),
        ((BINARY,), (ONE, "relu"), "W002", (1,), "at least 0, but {} takes a sep", SIGMOID_ALONE),
        ((BINARY,), (ONE, "tanh"), "W002", (1,), "from -1 to 1", SIGMOID_ALONE),
        *(
            ((Hinge(),), (THREE, each), "W002", (1,), '_1" never falls below 0', "remove it")
            for each in ("hard_sigmoid", "relu", "softplus")
        ),
        (VALUES, (THREE, "softmax"), "W002", (1,), "add up to 1", "remove it, or use the loss ca"),
        (VALUES, (ONE, "softmax"), "E043", (1,), "always 1", "remove it"),
        ((LOGITS,), (ONE,), "E043", (0, "units"), "needs a unit for each class", FOR_TWO),
        ((BINARY_LOGITS,), (ONE, "softmax"), "E043", (1,), "always 1", "remove it"),
        ((LOGITS,), (THREE, "softmax"), "W002", (1,), "add up to 1, but {} takes logits", "remove"),
        ((LOGITS,), (THREE, "sigmoid"), "W002", (1,), "a separate probability", "remove it"),
        ((LOGITS,), (THREE, "relu"), "W002", (1,), "at least 0, but {}", "remove it"),
        ((BINARY_LOGITS,), (THREE, "tanh"), "W002", (1,), "from -1 to 1, but {}", "remove it"),
    ],
)
def test_outputs_that_do_not_suit(losses, layers, code, path, words, hint):
    for loss in losses:
        (problem,) = found(loss, *layers)
        assert (problem.code, problem.path) == (code, ("model", "layers", *path))
        assert words.format(loss.type) in problem.message
        assert problem.help.startswith(hint)


def test_logits_of_convolutions_are_seen():
    layers = (CONVOLUTION, "global_average_pool2d")
    (problem,) = found(CategoricalCrossentropy(), *layers, input_shape=(3, 4, 4))
    assert problem.code == "W002"


@pytest.mark.parametrize(
    ("loss", "given", "words"),
    [
        (MarginLoss(), OutputRange(1, 5), "never falls below 1, so margin_loss cannot predict the"),
        (MarginLoss(), OutputRange(-5, 1), "never rises above 1, so margin_loss cannot predict"),
        (MarginLoss(), OutputRange(0, 2), None),
        (MarginLoss(), OutputRange(), None),
        (MarginLoss(), None, None),
        (BINARY, OutputRange(high=2), "gives numbers of at most 2, but binary_crossentropy takes"),
        (BINARY, OutputRange(low=-0.5), "gives numbers of at least -0.5, but"),
        (BINARY, OutputRange(0, 2), "gives numbers from 0 to 2, but"),
        (BINARY, OutputRange(), "gives any numbers, but"),
    ],
)
def test_ranges_of_others_are_named(loss, given, words):
    problems = found(loss, "bounded", registry=bounded(given))
    assert [each.code for each in problems] == ([] if words is None else ["W002"])
    assert all(f'"bounded_1" {words}' in each.message for each in problems)


JOIN = {"type": "concatenate", "inputs": ["dense_1", "dense_1"]}


@pytest.mark.parametrize(
    ("layers", "input_shape", "path"),
    [
        ((THREE, "relu", THREE, "softmax"), (4,), (2, "units")),
        ((THREE, "relu", HALF_DROPPED), (4,), (0, "units")),
        ((CONVOLUTION, "relu"), (3, 8, 8), (0, "filters")),
        ((CONVOLUTION, "relu", "global_average_pool2d", "softmax"), (3, 8, 8), (0, "filters")),
        ((CONVOLUTION, "flatten", "softmax"), (3, 8, 8), (1,)),
        ((THREE, JOIN, "relu"), (4,), (1,)),
        (("relu", "linear"), (4,), (0,)),
        ((ONE, {"type": "layer_norm", "axes": 1}), (4,), (0, "units")),
        (({"type": "embedding", "categories": 3, "units": 3},), (), (0, "units")),
        (({"type": "sized"},), (4,), (0,)),
        (({"type": "sized", "spare": 6},), (4,), (0, "width")),
    ],
)
def test_the_layer_and_field_that_decide_the_size_of_the_output(layers, input_shape, path):
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry_of(Sized))
    assert path_of_output_size(nodes) == ("model", "layers", *path)


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


@pytest.mark.parametrize(
    ("input_shape", "layers", "places"),
    [
        (TABLE, [dense(8), "linear", dense(3)], [2]),
        (TABLE, [dense(8), "flatten", dense(3)], [2]),
        (TABLE, [dense(8), {"type": "reshape", "shape": [8]}, dense(3)], [2]),
        (TABLE, [dense(8), "linear", DROPPED, "flatten", dense(3)], [4]),
        *(
            (TABLE, [dense(8), between, dense(3)], [])
            for between in ("relu", "tanh", "softmax", "layer_norm", "batch_norm", "prelu")
        ),
        (TABLE, [dense(8), dense(8), dense(3), "softmax"], [1, 2]),
        # fewer units than inputs and outputs: a matrix of low rank, as of a linear autoencoder
        (TABLE, [dense(2), dense(3)], []),
        (TABLE, [dense(3), dense(3)], [1]),
        (NARROW, [dense(2), dense(9)], []),
        (NARROW, [dense(3), dense(9)], [1]),
        (STEPS, [dense(8), dense(16)], [1]),
        (STEPS, [dense(8), {"type": "gaussian_noise", "std": 0.1}, dense(8)], [2]),
        (STEPS, [dense(3), dense(16)], []),
        (STEPS, [dense(8), "glu", dense(16)], []),
        (IMAGES, [conv(2), "global_average_pool2d", dense(5)], []),
        # what others read too
        (TABLE, [dense(8), join("dense_1", "dense_1"), dense(3)], []),
        (TABLE, [dense(8), dense(8), join("dense_1", "dense_2")], []),
        (TABLE, [dense(8), "linear", dense(8), join("dense_1", "dense_2")], []),
        (IMAGES, [conv(8), conv(4)], [1]),
        (IMAGES, [conv(8), pool("average_pool2d"), conv(4)], [2]),
        (IMAGES, [conv(8), "flatten", dense(5)], [2]),
        (IMAGES, [conv(8), "global_average_pool2d", dense(5)], [2]),
        (IMAGES, [conv(8), pool("max_pool2d"), conv(4)], []),
        (IMAGES, [conv(8), "relu", "flatten", dense(5)], []),
        # separable convolutions
        *(
            ((channels, 9, 9), layers, [])
            for channels in (4, 16)
            for layers in (
                [depthwise(channels), conv(8, 1)],
                [conv(channels, 1), depthwise(channels)],
            )
        ),
        *(
            (TABLE, [dense(4), {"type": kind, **fields}, dense(4)], places)
            for kind, fields, places in (
                ("mixing", {}, [1, 2]),
                ("mixing", {"columns": 3}, [1]),
                ("mixing", {"role": "scale"}, []),
                ("mixing", {"role": "bias"}, []),
                ("mixing", {"trainable": False}, []),
                ("mixing", {"row": True}, []),
                ("bent", {}, []),
            )
        ),
    ],
)
def test_linear_layers_that_could_be_one(registry, input_shape, layers, places):
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry)
    problems = linear_problems(nodes, registry)
    assert [each.path[-1] for each in problems] == places
    assert linear_problems((*nodes, None), registry) == []  # one more may read between them
