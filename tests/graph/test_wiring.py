from __future__ import annotations

import pytest

from declnet.graph.wiring import wire
from declnet_layers import Dense, ReLU


def named(kind, name=None, inputs=None, **fields):
    return kind(name=name, inputs=inputs, **fields)


def test_names_are_type_and_count_and_inputs_the_layer_before():
    layers = [Dense(units=2), ReLU(), Dense(units=2), ReLU(name="last")]
    wires, problems = wire(layers)
    assert problems == []
    assert [each.name for each in wires] == ["dense_1", "relu_1", "dense_2", "last"]
    assert [each.inputs for each in wires] == [(0,), (1,), (2,), (3,)]


def test_a_named_layer_counts_too():
    layers = [Dense(units=2, name="first"), Dense(units=2)]
    assert [each.name for each in wire(layers)[0]] == ["first", "dense_2"]


def test_inputs_lead_to_any_value_above(toys):
    layers = [
        Dense(units=2),
        named(ReLU, inputs=("dense_1",)),
        named(toys.Add, inputs=("relu_1", "input", "dense_1", "relu_1")),
    ]
    wires, problems = wire(layers)
    assert problems == []
    assert wires[2].inputs == (2, 0, 1, 2)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [Dense(units=2, name="hidden"), named(ReLU, inputs=("hiden",))],
            'model.layers.1.inputs.0: error[E020]: there is no layer "hiden" '
            '(did you mean "hidden"?)',
        ),
        (
            [Dense(units=2), named(ReLU, inputs=("relu_2",)), ReLU()],
            'model.layers.1.inputs.0: error[E020]: "relu_2" stands below; inputs are layers above',
        ),
        (
            [Dense(units=2), named(ReLU, inputs=("relu_1",))],
            'model.layers.1.inputs.0: error[E020]: "relu_1" is the layer itself',
        ),
        (
            [Dense(units=2), named(ReLU, inputs=("input",))],
            'model.layers.0: error[E023]: nothing takes the output of "dense_1" '
            "(name it in the inputs of a layer below, or remove it)",
        ),
        (
            [Dense(units=2, name="a"), ReLU(name="a")],
            'model.layers.1.name: error[E019]: the name "a" is taken '
            "(layer 0 has it; rename one of the two)",
        ),
        (
            [Dense(units=2, name="relu_1"), ReLU()],
            'model.layers.1.name: error[E019]: the name "relu_1" is taken '
            "(layer 0 has it; rename one of the two)",
        ),
        (
            [Dense(units=2, name="input")],
            'model.layers.0.name: error[E019]: the name "input" is taken '
            "(it means the model's input; rename the layer)",
        ),
        (
            [Dense(units=2), named(ReLU, inputs=("dense_1", "input"))],
            'model.layers.1.inputs: error[E021]: "relu_1" takes 1 input, not 2 '
            "(name as many as it takes)",
        ),
    ],
)
def test_each_fault_is_told_at_its_key(layers, expected):
    shown = [str(problem) for problem in wire(layers)[1]]
    assert [line.split(" (layers above")[0] for line in shown] == [expected]


def test_a_layer_of_two_inputs_needs_two(toys):
    problems = wire([Dense(units=2), toys.Product()])[1]
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
    paths = [problem.path[2:] for problem in wire(layers)[1]]
    assert paths == [(0, "inputs", 0), (1, "inputs"), (2, "name"), (3, "inputs", 0)]


def test_layers_that_could_not_be_read_count_for_the_names_of_the_others():
    layers = [None, Dense(units=2), None, None, named(ReLU, inputs=("dense_1",))]
    names, types = [None, None, "own", None, None], ["dense", None, "dense", None, None]
    wires, problems = wire(layers, names, types)
    assert [each.name for each in wires] == ["dense_1", "dense_2", "own", "layer 3", "relu_1"]
    assert wires[4].inputs == (1,)
    assert problems == []
