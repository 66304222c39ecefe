"""Which of the installed layers and losses a hint suggests."""

from __future__ import annotations

from typing import Any

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
    rectifier,
)
from declnet_standard.losses import (
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


class Squash(Layer):
    type = "sq"
    output_range = PROBABILITY
    backward_needs = frozenset()

    def forward(self, x, y, state):
        """Not called."""

    def backward(self, x, y, dy, dx, state):
        """Not called."""


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


class SquashAnswers(Kernel):
    type = "squash_answers"
    replaces = (Squash, Answers)

    def bind(self, site):
        """Not called."""


def registry_of(*classes, first_party=True):
    own = Registry()
    for entry in default_registry().entries() if first_party else ():
        own.add(entry)
    for each in classes:
        own.register(each, OTHERS)
    return own


@pytest.mark.parametrize("others", [(), (Squash, SquashOfWidth, Answers)])
def test_declnets_own_are_preferred(others):
    registry = registry_of(*others)
    assert layer_for(CategoricalCrossentropy, registry) == "softmax"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"
    assert loss_for(DISTRIBUTION, registry) is CategoricalCrossentropy
    assert loss_for(PROBABILITY, registry) is BinaryCrossentropy
    assert rectifier(registry) == "relu"


def test_a_layer_that_a_kernel_joins_with_the_loss_is_preferred_to_declnets_own():
    registry = registry_of(Squash, Answers)
    assert layer_for(Answers, registry) == "sigmoid"
    registry.register(SquashAnswers, OTHERS)
    assert layer_for(Answers, registry) == "sq"
    assert layer_for(BinaryCrossentropy, registry) == "sigmoid"


def test_one_that_its_name_alone_declares_is_preferred_to_a_shorter_one():
    registry = registry_of(SquashOfWidth, first_party=False)
    assert layer_for(BinaryCrossentropy, registry) == "s"
    registry.register(Squash, OTHERS)
    assert layer_for(BinaryCrossentropy, registry) == "sq"


@pytest.mark.parametrize("given", [OutputRange(), OutputRange(low=0), OutputRange(-1, 1)])
def test_no_loss_is_suggested_for_numbers_that_are_no_probabilities(given):
    assert loss_for(given, registry_of()) is None


def test_where_nothing_fits_nothing_is_suggested():
    registry = registry_of(Answers, first_party=False)
    assert layer_for(Answers, registry) is None
    assert layer_for(Hinge, registry) is None
    assert loss_for(DISTRIBUTION, registry) is None
    assert loss_for(PROBABILITY, registry) is Answers
    assert rectifier(registry) is None


DISTRIBUTIONS = (CategoricalCrossentropy(), KLDivergence())
VALUES = (Huber(), LogCosh(), MeanAbsoluteError(), MeanSquaredError())
ALL = (*DISTRIBUTIONS, *VALUES, BinaryCrossentropy(), Hinge())

ONE, THREE = ({"type": "dense", "units": units} for units in (1, 3))
CONVOLUTION = {"type": "conv2d", "filters": 2, "kernel_size": 1}
HALF_DROPPED = {"type": "dropout", "rate": 0.5}
NO_PROBABILITIES = (
    "relu",
    "tanh",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "prelu",
)

each_distribution = pytest.mark.parametrize("loss", DISTRIBUTIONS, ids=lambda loss: loss.type)
each_of_values = pytest.mark.parametrize("loss", VALUES, ids=lambda loss: loss.type)


def nodes_of(*layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    context = {"registry": registry}
    built = [Layer.from_declaration(each, context) for each in layers]
    return infer_nodes(built, input_shape, registry)


def found(loss, *layers, input_shape=(4,), registry=None):
    registry = registry or default_registry()
    nodes = nodes_of(*layers, input_shape=input_shape, registry=registry)
    return output_problems(loss, nodes, registry)


def codes(loss, *layers, **options):
    return [each.code for each in found(loss, *layers, **options)]


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_nothing_is_found_where_nothing_is_known(loss):
    nodes = nodes_of(THREE)
    assert output_problems(loss, (), default_registry()) == []
    assert output_problems(loss, (*nodes, None), default_registry()) == []
    assert output_problems(None, nodes, default_registry()) == []


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_a_join_is_trusted(loss):
    join = {"type": "add", "inputs": ["dense_1", "dense_2"]}
    assert codes(loss, THREE, THREE, join) == []


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_a_model_that_passes_its_input_on_is_trusted(loss):
    assert codes(loss, "flatten", "linear") == []


@each_distribution
def test_a_softmax_is_a_distribution(loss):
    assert codes(loss, THREE, "softmax") == []
    assert codes(loss, THREE, "softmax", "linear") == []


@each_distribution
@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_separate_probabilities_are_no_distribution(loss, activation):
    (problem,) = found(loss, THREE, activation)
    assert (problem.code, problem.path) == ("E043", ("model", "layers", 1))
    assert problem.message == (
        f'"{activation}_1" gives a separate probability for each unit, but {loss.type} takes '
        "probabilities that add up to 1"
    )
    assert problem.help.startswith('use "softmax" instead, or the loss binary_crossentropy')


@each_distribution
@pytest.mark.parametrize("last", ["softmax", "sigmoid", "linear"])
def test_one_unit_is_no_distribution(loss, last):
    (problem,) = found(loss, ONE, last)
    assert (problem.code, problem.path) == ("E043", ("model", "layers", 0, "units"))
    assert "a single unit" in problem.message
    assert problem.help == (
        'for two classes, one unit with "sigmoid" and the loss binary_crossentropy will do'
    )


@each_distribution
def test_logits_are_warned_of(loss):
    (problem,) = found(loss, THREE, "relu", THREE)
    assert (problem.code, problem.path) == ("W002", ("model", "layers", 2))
    assert problem.message == (
        f'"dense_2" gives any numbers, but {loss.type} takes probabilities that add up to 1'
    )
    assert problem.help == 'add "softmax" as the last layer'


@pytest.mark.parametrize("after", ["linear", "flatten", HALF_DROPPED])
def test_logits_are_seen_through_layers_that_keep_them(after):
    (problem,) = found(CategoricalCrossentropy(), THREE, after)
    assert '"dense_1"' in problem.message
    assert problem.path == ("model", "layers", 0)


def test_logits_of_convolutions_are_seen():
    layers = (CONVOLUTION, "global_average_pool2d")
    assert codes(CategoricalCrossentropy(), *layers, input_shape=(3, 4, 4)) == ["W002"]


@each_distribution
@pytest.mark.parametrize("activation", NO_PROBABILITIES)
def test_other_activations_are_warned_of(loss, activation):
    (problem,) = found(loss, THREE, activation)
    assert (problem.code, problem.path) == ("W002", ("model", "layers", 1))
    assert problem.help == 'use "softmax" instead'


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("units", [ONE, THREE])
def test_binary_answers_are_separate_probabilities(activation, units):
    assert codes(BinaryCrossentropy(), units, activation) == []


def test_a_softmax_of_one_unit_is_always_1():
    (problem,) = found(BinaryCrossentropy(), ONE, "softmax")
    assert (problem.code, problem.path) == ("E043", ("model", "layers", 1))
    assert problem.message == '"softmax_1" has a single unit, so its output is always 1'
    assert problem.help == 'use "sigmoid" instead'


def test_binary_answers_of_a_softmax_depend_on_each_other():
    (problem,) = found(BinaryCrossentropy(), THREE, "softmax")
    assert problem.code == "W002"
    assert problem.help == 'use "sigmoid" instead, or the loss categorical_crossentropy'


@pytest.mark.parametrize(
    ("last", "numbers", "hint"),
    [
        ("linear", "any numbers", 'add "sigmoid" as the last layer'),
        ("batch_norm", "any numbers", 'add "sigmoid" as the last layer'),
        ("relu", "numbers of at least 0", 'use "sigmoid" instead'),
        ("tanh", "numbers from -1 to 1", 'use "sigmoid" instead'),
    ],
)
def test_binary_answers_need_probabilities(last, numbers, hint):
    (problem,) = found(BinaryCrossentropy(), ONE, last)
    assert (problem.code, problem.help) == ("W002", hint)
    assert f"gives {numbers}, but binary_crossentropy takes a separate prob" in problem.message


@pytest.mark.parametrize("last", ["sigmoid", "hard_sigmoid", "softmax", "relu", "softplus"])
def test_hinge_needs_scores_that_fall_below_zero(last):
    (problem,) = found(Hinge(), THREE, last)
    assert problem.code == "W002"
    assert f'"{last}_1" never falls below 0' in problem.message
    assert problem.help.startswith("remove it")


@pytest.mark.parametrize("last", ["linear", "tanh", "leaky_relu"])
def test_hinge_takes_scores(last):
    assert codes(Hinge(), ONE, last) == []


@each_of_values
@pytest.mark.parametrize("last", ["linear", "relu", "sigmoid", "tanh"])
def test_values_may_come_from_any_activation_but_softmax(loss, last):
    assert codes(loss, THREE, last) == []


@each_of_values
def test_values_do_not_add_up_to_1(loss):
    (problem,) = found(loss, THREE, "softmax")
    assert (problem.code, problem.path) == ("W002", ("model", "layers", 1))
    assert "add up to 1" in problem.message
    assert problem.help == ("remove it, or use the loss categorical_crossentropy if y holds labels")


@each_of_values
def test_a_single_value_is_not_always_1(loss):
    (problem,) = found(loss, ONE, "softmax")
    assert (problem.code, problem.help) == ("E043", "remove it")
    assert "always 1" in problem.message


class LogitLoss(Loss):
    """Takes logits of classes."""

    type = "logit_loss"
    targets = "classes"
    takes = "logits"

    def forward(self, y_pred, y_true, losses):
        """Not called."""

    def backward(self, y_pred, y_true, dy_pred):
        """Not called."""


class BinaryLogitLoss(LogitLoss):
    """Takes a logit for each answer of yes or no."""

    type = "binary_logit_loss"
    targets = "binary"


class MarginLoss(LogitLoss):
    """Takes scores; those above 1 mean 1."""

    type = "margin_loss"
    targets = "binary"
    takes = "scores"
    threshold = 1.0


class Unlabeled(MarginLoss):
    """A component without a declaration of what it takes."""

    type = "unlabeled"
    takes = None


class Bounded(Layer):
    """A layer with its own weights and a range set by a test."""

    type = "bounded"
    backward_needs = frozenset()

    def forward(self, x, y, state):
        """Not called."""

    def backward(self, x, y, dy, dx, state):
        """Not called."""


def bounded(given):
    """A registry with a layer `bounded` of that range."""
    registry = Registry()
    for entry in default_registry().entries():
        registry.add(entry)
    registry.register(type("Bounded", (Bounded,), {"output_range": given, "__module__": __name__}))
    return registry


@pytest.mark.parametrize(
    ("loss", "last", "code", "words"),
    [
        (LogitLoss(), "softmax", "W002", "numbers that add up to 1, but logit_loss takes logits"),
        (LogitLoss(), "sigmoid", "W002", "a separate probability for each unit, but logit_loss"),
        (LogitLoss(), "relu", "W002", "numbers of at least 0, but logit_loss"),
        (BinaryLogitLoss(), "tanh", "W002", "numbers from -1 to 1, but binary_logit_loss"),
    ],
)
def test_logits_are_any_numbers(loss, last, code, words):
    (problem,) = found(loss, THREE, last)
    assert problem.code == code
    assert words in problem.message
    assert problem.help.startswith("remove it")


@pytest.mark.parametrize("loss", [LogitLoss(), BinaryLogitLoss()])
@pytest.mark.parametrize("last", ["linear", "leaky_relu", "batch_norm"])
def test_logits_may_come_from_what_has_no_bounds(loss, last):
    assert codes(loss, THREE, last) == []


def test_a_single_logit_tells_classes_nothing_and_answers_all():
    (problem,) = found(LogitLoss(), ONE)
    assert (problem.code, problem.path) == ("E043", ("model", "layers", 0, "units"))
    assert codes(BinaryLogitLoss(), ONE) == []
    assert codes(BinaryLogitLoss(), ONE, "softmax") == ["E043"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (OutputRange(1, 5), "never falls below 1, so margin_loss cannot predict the label 0"),
        (OutputRange(-5, 1), "never rises above 1, so margin_loss cannot predict the label 1"),
        (OutputRange(0, 2), None),
        (OutputRange(), None),
        (None, None),
    ],
)
def test_scores_lie_on_both_sides_of_the_threshold(given, words):
    problems = found(MarginLoss(), "bounded", registry=bounded(given))
    assert [each.code for each in problems] == ([] if words is None else ["W002"])
    assert all(words in each.message for each in problems)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (OutputRange(high=2), "numbers of at most 2"),
        (OutputRange(low=-0.5), "numbers of at least -0.5"),
        (OutputRange(0, 2), "numbers from 0 to 2"),
        (OutputRange(), "any numbers"),
    ],
)
def test_ranges_of_others_are_named(given, words):
    (problem,) = found(BinaryCrossentropy(), "bounded", registry=bounded(given))
    assert problem.message.startswith(f'"bounded_1" gives {words}, but binary_crossentropy')


@pytest.mark.parametrize("last", ["softmax", "relu", "linear"])
def test_a_loss_that_says_nothing_is_trusted(last):
    assert codes(Unlabeled(), ONE, last) == []


def test_without_a_layer_to_suggest_the_numbers_are_named():
    class Alone(Bounded):
        type = "alone"
        output_range = OutputRange(low=0)

    registry = Registry()
    registry.register(Alone)
    (problem,) = found(BinaryCrossentropy(), "alone", registry=registry)
    assert problem.help == ("use a layer that gives a separate probability for each unit instead")
    (problem,) = found(CategoricalCrossentropy(), "alone", input_shape=(1,), registry=registry)
    assert problem.help is None


def size_path(*layers, input_shape=(4,), registry=None):
    return path_of_output_size(nodes_of(*layers, input_shape=input_shape, registry=registry))


IMAGES: dict[str, Any] = {"input_shape": (3, 8, 8)}


def test_the_size_of_the_output_is_decided_by_the_last_layer_that_says_it():
    assert size_path(THREE, "relu", THREE, "softmax") == ("model", "layers", 2, "units")
    assert size_path(THREE, "relu", HALF_DROPPED) == ("model", "layers", 0, "units")
    assert size_path(CONVOLUTION, "relu", **IMAGES) == ("model", "layers", 0, "filters")
    pooled = (CONVOLUTION, "relu", "global_average_pool2d", "softmax")
    assert size_path(*pooled, **IMAGES) == ("model", "layers", 0, "filters")


def test_without_a_field_that_says_it_the_layer_itself_decides():
    assert size_path(CONVOLUTION, "flatten", "softmax", **IMAGES) == ("model", "layers", 1)
    join = {"type": "concatenate", "inputs": ["dense_1", "dense_1"]}
    assert size_path(THREE, join, "relu") == ("model", "layers", 1)
    assert size_path("relu", "linear") == ("model", "layers", 0)


def test_a_number_that_happens_to_be_the_size_is_not_taken_for_it():
    normalized = {"type": "layer_norm", "axes": 1}
    assert size_path(ONE, normalized) == ("model", "layers", 0, "units")
    embedding = {"type": "embedding", "categories": 3, "units": 3}
    assert size_path(embedding, input_shape=()) == ("model", "layers", 0, "units")


class Sized(Bounded):
    """A component with `width` outputs, at most 5."""

    type = "sized"
    spare: int = 5
    width: int = 5

    def output_shape(self, input_shape):
        """(width,)."""
        if self.width > 5 and self.spare == 5:
            raise RuntimeError(np.zeros(3))
        return (self.width,)


@pytest.mark.parametrize(("spare", "field"), [(5, ()), (6, ("width",))])
def test_fields_of_others_are_found_and_their_faults_are_not_in_the_way(spare, field):
    registry = Registry()
    registry.register(Sized)
    layer = {"type": "sized", "spare": spare}
    assert size_path(layer, registry=registry) == ("model", "layers", 0, *field)


class Mixing(Layer):
    """A third-party linear map; a test sets its parameters and roles."""

    type = "mixing"
    is_linear = True
    backward_needs = frozenset({"x"})

    role: str = "weight"
    trainable: bool = True
    columns: int = 4
    row: bool = False

    def output_shape(self, input_shape):
        """(columns,)."""
        return (self.columns,)

    def parameters(self, input_shape):
        """A matrix, or a row of numbers, and another row without a declared role."""
        shape = (self.columns,) if self.row else (input_shape[0], self.columns)
        first = Parameter(shape, "ones", trainable=self.trainable, role=self.role)
        return {"first": first, "second": Parameter((self.columns,), "ones")}

    def forward(self, x, y, state):
        """Not called."""

    def backward(self, x, y, dy, dx, state):
        """Not called."""


class Bent(Mixing):
    """The same, but not linear."""

    type = "bent"
    is_linear = False


@pytest.fixture(scope="module")
def registry():
    own = Registry()
    for entry in default_registry().entries():
        own.add(entry)
    own.register(Mixing)
    own.register(Bent)
    return own


@pytest.fixture
def linear_found(registry):
    """The problems of a model, by the places of their layers."""

    def find(*layers, input_shape=(4,)):
        built = [Layer.from_declaration(each, {"registry": registry}) for each in layers]
        problems = linear_problems(infer_nodes(built, input_shape, registry), registry)
        assert all(each.code == "W003" for each in problems)
        return {each.path[-1]: each for each in problems}

    return find


def dense(units, **fields):
    return {"type": "dense", "units": units, **fields}


def conv(filters, size=3, **fields):
    return {"type": "conv2d", "filters": filters, "kernel_size": size, **fields}


def test_two_dense_layers_are_one_linear_map(linear_found):
    problem = linear_found(dense(8), dense(3))[1]
    assert problem.path == ("model", "layers", 1)
    assert problem.message == (
        '"dense_1" and "dense_2" have no activation between them, so together they compute one '
        "linear map"
    )
    assert problem.help == 'put an activation such as "relu" between them, or remove one of them'


@pytest.mark.parametrize(
    "between",
    [
        ["linear"],
        ["flatten"],
        [{"type": "reshape", "shape": [8]}],
        [{"type": "dropout", "rate": 0.1}],
        ["linear", {"type": "dropout", "rate": 0.1}, "flatten"],
    ],
)
def test_what_is_linear_without_parameters_does_not_part_them(between, linear_found):
    assert list(linear_found(dense(8), *between, dense(3))) == [1 + len(between)]


@pytest.mark.parametrize(
    "between", ["relu", "tanh", "softmax", "layer_norm", "batch_norm", "prelu"]
)
def test_what_is_not_linear_parts_them(between, linear_found):
    assert linear_found(dense(8), between, dense(3)) == {}


def test_each_pair_of_three_is_told_at_its_second_layer(linear_found):
    assert list(linear_found(dense(8), dense(8), dense(3), "softmax")) == [1, 2]


@pytest.mark.parametrize(("units", "count"), [(2, 0), (3, 1), (4, 1)])
def test_a_bottleneck_limits_the_rank(units, count, linear_found):
    """Fewer units than inputs and outputs: a matrix of low rank, as of a linear autoencoder."""
    assert len(linear_found(dense(units), dense(3))) == count
    assert len(linear_found(dense(units), dense(9), input_shape=(3,))) == count


def test_a_join_parts_them(linear_found):
    join = {"type": "add", "inputs": ["dense_1", "dense_1"]}
    assert linear_found(dense(8), join, dense(3)) == {}


@pytest.mark.parametrize("between", [[], ["linear"]])
def test_an_output_that_others_read_too_parts_them(between, linear_found):
    join = {"type": "add", "inputs": ["dense_1", "dense_2"]}
    assert linear_found(dense(8), *between, dense(8), join) == {}


def test_nothing_is_found_where_not_all_layers_are_known(registry):
    built = [Layer.from_declaration(dense(units)) for units in (8, 3)]
    nodes = infer_nodes(built, (4,), registry)
    assert linear_problems((*nodes, None), registry) == []
    assert linear_problems((), registry) == []


def test_convolutions_are_linear_too(linear_found):
    images = {"input_shape": (3, 9, 9)}
    assert list(linear_found(conv(8), conv(4), **images)) == [1]
    assert list(
        linear_found(conv(8), {"type": "average_pool2d", "pool_size": 2}, conv(4), **images)
    ) == [2]
    assert list(linear_found(conv(8), "flatten", dense(5), **images)) == [2]
    assert list(linear_found(conv(8), "global_average_pool2d", dense(5), **images)) == [2]
    assert linear_found(conv(8), {"type": "max_pool2d", "pool_size": 2}, conv(4), **images) == {}
    assert linear_found(conv(8), "relu", "flatten", dense(5), **images) == {}


def test_what_lies_between_may_be_the_bottleneck(linear_found):
    images = {"input_shape": (3, 9, 9)}
    assert linear_found(conv(2), "global_average_pool2d", dense(5), **images) == {}


@pytest.mark.parametrize("channels", [4, 16])
def test_the_two_parts_of_a_separable_convolution_are_as_they_must_be(channels, linear_found):
    depthwise = conv(channels, padding="same", groups=channels)
    images = {"input_shape": (channels, 9, 9)}
    assert linear_found(depthwise, conv(8, 1), **images) == {}
    assert linear_found(conv(channels, 1), depthwise, **images) == {}


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({}, [1, 2]),
        ({"columns": 3}, [1]),
        ({"role": "scale"}, []),
        ({"role": "bias"}, []),
        ({"trainable": False}, []),
        ({"row": True}, []),
    ],
)
def test_layers_of_others_count_by_their_traits(fields, places, linear_found):
    assert list(linear_found(dense(4), {"type": "mixing", **fields}, dense(4))) == places
    assert linear_found(dense(4), {"type": "bent", **fields}, dense(4)) == {}
