"""Pairs of linear layers that have no activation between them."""

from __future__ import annotations

import pytest

from declnet import Layer, Parameter, Registry
from declnet.graph.nodes import infer_nodes
from declnet.registry.discovery import default_registry
from declnet.training.checks.linear_layers import linear_problems


class Mixing(Layer):
    """A linear map of a third party; parameters and roles as a test says."""

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
        """A matrix, or a row of numbers, and another row whose role nobody declared."""
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
def found(registry):
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


def test_two_dense_layers_are_one_linear_map(found):
    problem = found(dense(8), dense(3))[1]
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
def test_what_is_linear_without_parameters_does_not_part_them(between, found):
    assert list(found(dense(8), *between, dense(3))) == [1 + len(between)]


@pytest.mark.parametrize(
    "between", ["relu", "tanh", "softmax", "layer_norm", "batch_norm", "prelu"]
)
def test_what_is_not_linear_parts_them(between, found):
    assert found(dense(8), between, dense(3)) == {}


def test_each_pair_of_three_is_told_at_its_second_layer(found):
    assert list(found(dense(8), dense(8), dense(3), "softmax")) == [1, 2]


@pytest.mark.parametrize(("units", "count"), [(2, 0), (3, 1), (4, 1)])
def test_a_bottleneck_limits_the_rank(units, count, found):
    """Fewer units than inputs and outputs: a matrix of low rank, as of a linear autoencoder."""
    assert len(found(dense(units), dense(3))) == count
    assert len(found(dense(units), dense(9), input_shape=(3,))) == count


def test_a_join_parts_them(found):
    join = {"type": "add", "inputs": ["dense_1", "dense_1"]}
    assert found(dense(8), join, dense(3)) == {}


@pytest.mark.parametrize("between", [[], ["linear"]])
def test_an_output_that_others_read_too_parts_them(between, found):
    join = {"type": "add", "inputs": ["dense_1", "dense_2"]}
    assert found(dense(8), *between, dense(8), join) == {}


def test_nothing_is_found_where_not_all_layers_are_known(registry):
    built = [Layer.from_declaration(dense(units)) for units in (8, 3)]
    nodes = infer_nodes(built, (4,), registry)
    assert linear_problems((*nodes, None), registry) == []
    assert linear_problems((), registry) == []


def test_convolutions_are_linear_too(found):
    images = {"input_shape": (3, 9, 9)}
    assert list(found(conv(8), conv(4), **images)) == [1]
    assert list(found(conv(8), {"type": "average_pool2d", "pool_size": 2}, conv(4), **images)) == [
        2
    ]
    assert list(found(conv(8), "flatten", dense(5), **images)) == [2]
    assert list(found(conv(8), "global_average_pool2d", dense(5), **images)) == [2]
    assert found(conv(8), {"type": "max_pool2d", "pool_size": 2}, conv(4), **images) == {}
    assert found(conv(8), "relu", "flatten", dense(5), **images) == {}


def test_what_lies_between_may_be_the_bottleneck(found):
    images = {"input_shape": (3, 9, 9)}
    assert found(conv(2), "global_average_pool2d", dense(5), **images) == {}


@pytest.mark.parametrize("channels", [4, 16])
def test_the_two_parts_of_a_separable_convolution_are_as_they_must_be(channels, found):
    depthwise = conv(channels, padding="same", groups=channels)
    images = {"input_shape": (channels, 9, 9)}
    assert found(depthwise, conv(8, 1), **images) == {}
    assert found(conv(channels, 1), depthwise, **images) == {}


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
def test_layers_of_others_count_by_their_traits(fields, places, found):
    assert list(found(dense(4), {"type": "mixing", **fields}, dense(4))) == places
    assert found(dense(4), {"type": "bent", **fields}, dense(4)) == {}
