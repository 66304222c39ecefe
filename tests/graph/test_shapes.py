"""Tests of shapes."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Layer, Parameter, SpecError, Workspace
from declnet.graph.shapes import infer_nodes, parts_of, wire
from declnet.spec.partial import LayerPart
from declnet_standard.layers import Dense, ReLU, Softmax
from declnet_standard.regularizers import L2


def named(kind, name=None, inputs=None, **fields):
    return kind(name=name, inputs=inputs, **fields)


def test_names_are_type_and_count_and_inputs_the_layer_before():
    layers = [Dense(units=2), ReLU(name="first"), Dense(units=2), ReLU()]
    wires, problems = wire(parts_of(layers))
    assert problems == []
    assert [each.name for each in wires] == ["dense_1", "first", "dense_2", "relu_2"]
    assert [each.inputs for each in wires] == [(0,), (1,), (2,), (3,)]


def test_inputs_lead_to_any_value_above(toys):
    layers = [
        Dense(units=2),
        named(ReLU, inputs=("dense_1",)),
        named(toys.Add, inputs=("relu_1", "input", "dense_1", "relu_1")),
    ]
    wires, problems = wire(parts_of(layers))
    assert problems == []
    assert wires[2].inputs == (2, 0, 1, 2)


def test_a_name_may_be_taken_by_a_counted_one():
    (problem,) = wire(parts_of([Dense(units=2, name="relu_1"), ReLU()]))[1]
    assert (problem.code, problem.path) == ("E019", ("model", "layers", 1, "name"))


def test_a_layer_of_two_inputs_needs_two(toys):
    problems = wire(parts_of([Dense(units=2), toys.Product()]))[1]
    assert [str(each) for each in problems] == [
        'model.layers.1: error[E021]: "product_1" takes 2 inputs, not 1 (name them: inputs = [ … ])'
    ]


def test_all_faults_come_in_one_pass():
    layers = [
        named(Dense, inputs=("nix",), units=2),
        named(ReLU, inputs=("dense_1", "input")),
        named(ReLU, inputs=("relu_1",), name="dense_1"),
        named(ReLU, inputs=("later",)),
        named(ReLU, name="later"),
    ]
    paths = [problem.path[2:] for problem in wire(parts_of(layers))[1]]
    assert paths == [(0, "inputs", 0), (1, "inputs"), (2, "name"), (3, "inputs", 0)]


def test_layers_that_could_not_be_read_count_for_the_names_of_the_others():
    layers = [None, Dense(units=2), None, None, named(ReLU, inputs=("dense_1",))]
    names, types = [None, None, "own", None, None], ["dense", None, "dense", None, None]
    wires, problems = wire([LayerPart(*each) for each in zip(layers, names, types, strict=True)])
    assert [each.name for each in wires] == ["dense_1", "dense_2", "own", "layer 3", "relu_1"]
    assert wires[4].inputs == (1,)
    assert problems == []


class Odd(Layer):
    """A layer with injected declarations."""

    type = "odd"

    shape: tuple[int, ...] | None = None
    given_parameters: dict
    given_workspace: dict

    def output_shape(self, input_shape):
        return input_shape if self.shape is None else self.shape

    def parameters(self, input_shape):
        return self.given_parameters

    def workspace(self, input_shape):
        return self.given_workspace

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


def test_faults_of_separate_branches_come_together_and_layers_below_are_not_blamed(toys):
    layers = (
        Softmax(inputs=("input",), name="a"),
        Dense(units=2, inputs=("input",), name="b"),
        toys.Add(inputs=("a", "b")),
        Dense(units=2),
    )
    assert [path[2] for path, _ in faults(layers, (3, 4, 5))] == [0, 1]


def odd(parameters=(), workspace=(), shape=None):
    return Odd.model_construct(
        given_parameters=dict(parameters), given_workspace=dict(workspace), shape=shape
    )


@pytest.mark.parametrize("shape", [(0,), (-1,), (2.5,), [3], 3, (True,)])
def test_a_wrong_output_shape_is_a_broken_contract_at_its_layer(shape):
    ((path, message),) = faults((odd(shape=shape),))
    expected = "sizes of at least 1" if shape in ((0,), (-1,)) else "a tuple of whole numbers"
    assert path == ("model", "layers", 0)
    assert f"output_shape() returned {shape!r}, not {expected}" in message
    assert "test_shapes.py:" in message


@pytest.mark.parametrize("name", ["grad", "training", "rng", "_own", "two words", "1st", 3])
def test_names_that_a_state_cannot_have_are_refused(name):
    for given in (
        {"parameters": {name: Parameter((1,), "zeros")}},
        {"workspace": {name: Workspace((1,))}},
    ):
        ((_, message),) = faults((odd(**given),))
        (method,) = given
        assert f"{method}() returned the name" in message


def test_a_parameter_and_a_workspace_of_one_name_are_refused():
    layer = odd({"both": Parameter((1,), "zeros")}, {"both": Workspace((1,))})
    ((_, message),) = faults((layer,))
    assert 'workspace() returned "both", which is the name of a parameter already' in message


@pytest.mark.parametrize(
    ("method", "declared", "fault"),
    [
        *(
            ("parameters", each, fault)
            for each, fault in (
                (
                    Parameter((1,), "zeros", regularizer=L2(strength=1), trainable=False),
                    "not train",
                ),
                (Parameter([1], "zeros"), "shape [1] is not a tuple of sizes"),
                (Parameter((0,), "zeros"), "shape (0,) is not a tuple of sizes"),
                (Parameter((1,), 0.0), "initializer 0.0 is not an Initializer"),
                (Parameter((1,), "zeros", regularizer="l2"), "'l2' is not a Regularizer"),
                (Parameter((1,), "zeros", role="gain"), "'gain' is none of weight, bias, scale"),
                (np.zeros(1), "not a Parameter"),
            )
        ),
        ("workspace", Workspace((2.0,)), "shape (2.0,) is not a tuple of sizes"),
        ("workspace", Workspace((1,), dtype="float31"), "dtype 'float31' NumPy does not know"),
        ("workspace", (1,), "not a Workspace"),
    ],
)
def test_a_wrong_declaration_is_a_broken_contract(method, declared, fault):
    ((_, message),) = faults((odd(**{method: {"p": declared}}),))
    assert f"{method}() returned" in message
    assert fault in message


def test_a_container_of_another_kind_is_a_broken_contract():
    layer = Odd.model_construct(given_parameters=None, given_workspace={}, shape=None)
    ((_, message),) = faults((layer,))
    assert "parameters() returned None, not a dict from names to Parameter" in message
