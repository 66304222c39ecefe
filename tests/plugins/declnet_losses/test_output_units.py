"""What losses find in a model's last layer."""

from __future__ import annotations

import pytest

from declnet import RunContext
from declnet_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
)

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


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_nothing_is_found_where_nothing_is_known(loss, codes_of):
    assert codes_of(loss, RunContext()) == []


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_a_join_is_trusted(loss, outline_of, codes_of):
    join = {"type": "add", "inputs": ["dense_1", "dense_2"]}
    assert codes_of(loss, outline_of(THREE, THREE, join)) == []


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.type)
def test_a_model_that_passes_its_input_on_is_trusted(loss, outline_of, codes_of):
    assert codes_of(loss, outline_of("flatten", "linear")) == []


@each_distribution
def test_a_softmax_is_a_distribution(loss, outline_of, codes_of):
    assert codes_of(loss, outline_of(THREE, "softmax")) == []
    assert codes_of(loss, outline_of(THREE, "softmax", "linear")) == []


@each_distribution
@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_probabilities_of_their_own_are_no_distribution(loss, activation, outline_of):
    (finding,) = loss.check(outline_of(THREE, activation))
    assert finding.code == "E043"
    assert f'"{activation}_1" gives each class a probability of its own' in finding.message
    assert "softmax" in finding.help
    assert "binary_crossentropy" in finding.help


@each_distribution
@pytest.mark.parametrize("last", ["softmax", "sigmoid", "linear"])
def test_one_unit_is_no_distribution(loss, last, outline_of):
    (finding,) = loss.check(outline_of(ONE, last))
    assert (finding.code, finding.path) == ("E043", ("units",))
    assert "a single unit" in finding.message
    assert "sigmoid" in finding.help
    assert "binary_crossentropy" in finding.help


@each_distribution
def test_logits_are_warned_of(loss, outline_of):
    (finding,) = loss.check(outline_of(THREE, "relu", THREE))
    assert finding.code == "W002"
    assert finding.message == f'"dense_2" gives no probabilities, which {loss.type} needs'
    assert finding.help == 'add "softmax" as the last layer'


@pytest.mark.parametrize("after", ["linear", "flatten", HALF_DROPPED])
def test_logits_are_seen_through_layers_that_keep_them(after, outline_of):
    (finding,) = CategoricalCrossentropy().check(outline_of(THREE, after))
    assert '"dense_1"' in finding.message


def test_logits_of_convolutions_are_seen(outline_of, codes_of):
    layers = (CONVOLUTION, "global_average_pool2d")
    assert codes_of(CategoricalCrossentropy(), outline_of(*layers, input_shape=(3, 4, 4))) == [
        "W002"
    ]


@each_distribution
@pytest.mark.parametrize("activation", NO_PROBABILITIES)
def test_other_activations_are_warned_of(loss, activation, outline_of):
    (finding,) = loss.check(outline_of(THREE, activation))
    assert finding.code == "W002"
    assert finding.help == 'use "softmax" in its place'


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("units", [ONE, THREE])
def test_binary_answers_are_probabilities_of_their_own(activation, units, outline_of, codes_of):
    assert codes_of(BinaryCrossentropy(), outline_of(units, activation)) == []


def test_a_softmax_of_one_unit_is_always_1(outline_of):
    (finding,) = BinaryCrossentropy().check(outline_of(ONE, "softmax"))
    assert finding.code == "E043"
    assert "always 1" in finding.message
    assert "sigmoid" in finding.help


def test_binary_answers_of_a_softmax_depend_on_each_other(outline_of):
    (finding,) = BinaryCrossentropy().check(outline_of(THREE, "softmax"))
    assert finding.code == "W002"
    assert "categorical_crossentropy" in finding.help


@pytest.mark.parametrize(
    ("last", "hint"),
    [
        ("linear", 'add "sigmoid" as the last layer'),
        ("batch_norm", 'add "sigmoid" as the last layer'),
        ("relu", 'use "sigmoid" in its place'),
        ("tanh", 'use "sigmoid" in its place'),
    ],
)
def test_binary_answers_need_probabilities(last, hint, outline_of):
    (finding,) = BinaryCrossentropy().check(outline_of(ONE, last))
    assert (finding.code, finding.help) == ("W002", hint)


@pytest.mark.parametrize("last", ["sigmoid", "hard_sigmoid", "softmax", "relu", "softplus"])
def test_hinge_needs_scores_that_fall_below_zero(last, outline_of):
    (finding,) = Hinge().check(outline_of(THREE, last))
    assert finding.code == "W002"
    assert f'"{last}_1" never falls below 0' in finding.message


@pytest.mark.parametrize("last", ["linear", "tanh", "leaky_relu"])
def test_hinge_takes_scores(last, outline_of, codes_of):
    assert codes_of(Hinge(), outline_of(ONE, last)) == []


@each_of_values
@pytest.mark.parametrize("last", ["linear", "relu", "sigmoid", "tanh"])
def test_values_may_come_from_any_activation_but_softmax(loss, last, outline_of, codes_of):
    assert codes_of(loss, outline_of(THREE, last)) == []


@each_of_values
def test_values_do_not_add_up_to_1(loss, outline_of):
    (finding,) = loss.check(outline_of(THREE, "softmax"))
    assert finding.code == "W002"
    assert "add up to 1" in finding.message


@each_of_values
def test_a_single_value_is_not_always_1(loss, outline_of):
    (finding,) = loss.check(outline_of(ONE, "softmax"))
    assert finding.code == "E043"
    assert "always 1" in finding.message
