from __future__ import annotations

import pytest

from declnet import Layer, Parameter, SpecError, Workspace
from declnet.graph.nodes import infer_nodes
from declnet_layers import Dense, ReLU, Softmax
from declnet_regularizers import L2


class Odd(Layer):
    """A layer whose declarations are handed to it."""

    type = "odd"

    shape: tuple[int, ...] | None = None
    given_parameters: dict
    given_buffers: dict

    def output_shape(self, input_shape):
        return input_shape if self.shape is None else self.shape

    def parameters(self, input_shape):
        return self.given_parameters

    def workspace(self, input_shape):
        return self.given_buffers

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def faults(layers, shape=(4,)):
    with pytest.raises(SpecError) as caught:
        infer_nodes(layers, shape)
    return [(problem.path, problem.message) for problem in caught.value.problems]


def test_shapes_follow_the_dag(toys):
    layers = (
        Dense(units=5, name="a"),
        Dense(units=5, inputs=("input",), name="b"),
        toys.Add(inputs=("a", "b")),
        Dense(units=2),
    )
    nodes = infer_nodes(layers, (4,))
    assert [node.output_shape for node in nodes] == [(5,), (5,), (5,), (2,)]
    assert [node.input_shapes for node in nodes][2] == ((5,), (5,))
    assert [node.parameter_count for node in nodes] == [25, 25, 0, 12]


def test_huge_layers_are_inferred_without_allocating():
    nodes = infer_nodes((Dense(units=10**6), Dense(units=10**6)), (10**6,))
    assert nodes[1].parameter_count == 10**12 + 10**6


def test_a_shape_that_does_not_fit_is_told_at_its_layer():
    ((path, message),) = faults((ReLU(), Softmax(name="end")), (3, 4))
    assert path == ("model", "layers", 1)
    assert message.startswith('"end": softmax takes samples of one axis, (classes,), not (3, 4)')


def test_faults_of_separate_branches_come_together_and_layers_below_are_not_blamed(toys):
    layers = (
        Softmax(inputs=("input",), name="a"),
        Dense(units=2, inputs=("input",), name="b"),
        toys.Add(inputs=("a", "b")),
        Dense(units=2),
    )
    assert [path[2] for path, _ in faults(layers, (3, 4))] == [0, 1]


@pytest.mark.parametrize("shape", [(0,), (-1,), (2.5,)])
def test_a_shape_that_is_none_is_refused(shape):
    layer = Odd.model_construct(shape=shape, given_parameters={}, given_buffers={})
    ((path, message),) = faults((layer,))
    assert path == ("model", "layers", 0)
    assert "sizes must be at least 1" in message


@pytest.mark.parametrize("name", ["grad", "training", "rng", "both"])
def test_reserved_names_and_names_twice_are_refused(name):
    parameters = {name: Parameter((1,), "zeros")}
    buffers = {"both": Workspace((1,))}
    layer = Odd.model_construct(given_parameters=parameters, given_buffers=buffers, shape=None)
    ((_, message),) = faults((layer,))
    assert f"cannot call a parameter or buffer {name}" in message


def test_what_is_not_trained_takes_no_regularizer():
    fixed = Parameter((1,), "zeros", regularizer=L2(strength=1.0), trainable=False)
    layer = Odd.model_construct(given_parameters={"mean": fixed}, given_buffers={}, shape=None)
    ((_, message),) = faults((layer,))
    assert "odd.mean is not trainable and takes no regularizer" in message
