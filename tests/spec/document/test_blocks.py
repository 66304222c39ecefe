"""Blocks of layers: names, inputs and sums, and the same bits as layers written out by hand."""

from __future__ import annotations

import copy
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet
from declnet import Registry, SpecError, default_registry, parse_spec
from declnet.graph.wiring import parts_of, wire
from declnet.spec.document.blocks import expanded
from declnet.training.checks.check import check_spec
from tests.documents import spec_document

DENSE = {"type": "dense", "units": 2}


def names_and_inputs(layers, registry=None):
    """Return each expanded layer's name in the model with the names of its inputs."""
    expansion = expanded(layers, registry or default_registry())
    assert (expansion.errors, expansion.diagnostics) == ([], [])
    document = spec_document(expansion.layers, "mean_squared_error", "sgd")
    wires, problems = wire(parts_of(parse_spec(document).model.layers))
    assert [problem for problem in problems if problem.code != "E023"] == []
    names = ["input", *(wire.name for wire in wires)]
    return {wire.name: [names[value] for value in wire.inputs] for wire in wires}


@pytest.mark.parametrize(
    ("block", "names"),
    [
        ({"name": "a", "layers": ["relu"]}, ["a_relu"]),
        ({"repeat": 2, "layers": ["relu"]}, ["relu_1", "relu_2"]),
        ({"layers": [{"type": "relu", "name": "own"}]}, ["own"]),
        ({"name": "a", "layers": [{"name": "b", "repeat": 2, "layers": ["relu"]}]},
         ["a_b_1_relu", "a_b_2_relu"]),
        ({"name": "a", "layers": ["relu", {"repeat": 2, "layers": ["relu"]}]},
         ["a_relu", "a_relu_2", "a_relu_3"]),
        ({"name": "a", "repeat": 2, "residual": True, "layers": ["relu"]},
         ["a_1_relu", "a_1_add", "a_2_relu", "a_2_add"]),
    ],
)  # fmt: skip
def test_names(block, names):
    assert list(names_and_inputs([block])) == names


def test_inputs_may_be_short_names_of_the_same_repetition_or_names_of_blocks():
    layers = [
        {"type": "dense", "units": 2, "name": "wide"},
        {
            "name": "trunk",
            "repeat": 2,
            "layers": [
                {**DENSE, "name": "wide"},
                {"type": "relu", "inputs": ["wide"]},
                {"repeat": 2, "layers": ["tanh", {"type": "add", "inputs": ["relu", "tanh"]}]},
                {"type": "add", "inputs": ["add_2", "wide", "relu", "input"], "name": "end"},
            ],
        },
        {"type": "add", "inputs": ["wide", "trunk_1", "trunk", "trunk_2_relu"]},
    ]
    inputs = names_and_inputs(layers)
    assert inputs["trunk_2_relu"] == ["trunk_2_wide"]
    assert inputs["trunk_2_add_2"] == ["trunk_2_relu", "trunk_2_tanh_2"]
    assert inputs["trunk_1_end"] == ["trunk_1_add_2", "trunk_1_wide", "trunk_1_relu", "input"]
    assert inputs["add_7"] == ["wide", "trunk_1_end", "trunk_2_end", "trunk_2_relu"]


def registry_of(*types):
    registry = Registry()
    for cls in types:
        registry.register(cls)
    return registry


class Plus(declnet.Layer):
    """A third-party sum."""

    type = "plus"
    n_inputs = None
    adds_inputs = True
    backward_needs = frozenset()

    def forward(self, x, y, state):
        np.sum(x, axis=0, out=y)

    def backward(self, x, y, dy, dx, state):
        for gradient in dx:
            if gradient is not None:
                np.copyto(gradient, dy)


def test_any_layer_that_adds_its_inputs_may_close_a_residual_block():
    relu = default_registry().find("layer", "relu")
    block = {"residual": True, "layers": ["relu"]}
    expansion = expanded([block], registry_of(relu, Plus))
    assert expansion.layers[1] == {"type": "plus", "inputs": ["input", "relu_1"]}
    expansion = expanded([block], registry_of(relu))
    assert [(problem.code, problem.path) for problem in expansion.diagnostics] == [
        ("E015", ("model", "layers", 0, "residual"))
    ]


@pytest.mark.parametrize(
    ("layers", "path", "name"),
    [
        ([{"name": "a", "layers": ["relu"]}, {"type": "relu", "name": "a"}], (1,), "a"),
        ([{"type": "relu", "name": "a"}, {"name": "a", "layers": ["relu"]}], (1,), "a"),
        ([{"type": "relu", "name": "a_1"}, {"name": "a", "repeat": 1, "layers": ["relu"]}],
         (1,), "a_1"),
        ([{"name": "b", "layers": [{"name": "a", "repeat": 2, "layers": ["relu"]},
                                   {"type": "relu", "name": "a_2"}]}], (0, "layers", 1), "a_2"),
    ],
)  # fmt: skip
def test_a_name_means_a_layer_or_a_block(layers, path, name):
    (problem,) = expanded(layers, default_registry()).diagnostics
    assert (problem.code, problem.path) == ("E019", ("model", "layers", *path, "name"))
    assert problem.message == f'the name "{name}" is taken'


@pytest.mark.parametrize(
    "layer", [{"repeat": 999, "layers": ["relu"]}, {"type": "dense", "units": [0] * 999}], ids=str
)
def test_blocks_cannot_exhaust_memory(layer):
    expansion = expanded([{"repeat": 999, "layers": [layer]}], default_registry())
    assert [problem.code for problem in expansion.diagnostics] == ["E013"]
    assert len(expansion.layers) == 1


JUNK = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["a", "relu", "${x}", "dense_1", "input"]),
    lambda layers: (
        st.lists(layers, max_size=3)
        | st.dictionaries(
            st.sampled_from(["layers", "repeat", "residual", "name", "inputs", "type", "x"]), layers
        )
    ),
    max_leaves=20,
)


@given(layers=JUNK, variables=JUNK)
@settings(max_examples=2 * settings().max_examples, deadline=None)
def test_anything_else_is_an_error_with_a_path(layers, variables):
    document = spec_document(
        layers,
        optimizer="sgd",
        variables=variables,
        data={"train": {"type": "nnfs_spiral", "samples": 3, "classes": 3}},
    )
    try:
        problems = check_spec(parse_spec(document)).problems
    except SpecError as error:
        problems = error.problems
    assert all(problem.path for problem in problems)


WIDTH = 3
PLAIN = st.sampled_from(
    ["relu", "tanh", {"type": "dense", "units": WIDTH}, {"type": "dropout", "rate": 0.2}]
)


def blocks_of(items):
    keys = {"layers": st.lists(items, min_size=1, max_size=3)}
    more = {"repeat": st.integers(1, 2), "residual": st.booleans(), "name": st.just("b")}
    return st.fixed_dictionaries(keys, optional=more)


def by_hand(items, layers):
    """Append the layers that a person would write for blocks, with unique names."""
    for item in items:
        if isinstance(item, str) or "type" in item:
            table = {"type": item} if isinstance(item, str) else item
            layers.append({**table, "name": f"layer_{len(layers)}"})
            continue
        for _ in range(item.get("repeat", 1)):
            entry = layers[-1]["name"] if layers else "input"
            by_hand(item["layers"], layers)
            if item.get("residual"):
                inputs = [entry, layers[-1]["name"]]
                layers.append({"type": "add", "inputs": inputs, "name": f"layer_{len(layers)}"})
    return layers


def unique(items, names, *, named=True):
    """Number the names of blocks, which must be unique, and drop those in unnamed repetitions."""
    for item in items:
        if isinstance(item, dict) and "type" not in item:
            if "name" in item:
                item["name"] = f"block{next(names)}"
            if not named:
                item.pop("name", None)
            inner = "name" in item or (named and item.get("repeat", 1) == 1)
            unique(item["layers"], names, named=inner)
    return items


@given(items=st.lists(st.recursive(PLAIN, blocks_of, max_leaves=6), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_a_block_gives_the_same_bits_as_layers_written_by_hand(items):
    items = unique(copy.deepcopy(items), count())
    end = [{"type": "dense", "units": WIDTH, "name": "end"}, "softmax"]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, WIDTH)).astype("f4"), np.arange(12) % WIDTH
    weights = []
    for layers in ([*items, *end], [*by_hand(items, []), *end]):
        document = spec_document(layers, seed=3, training={"epochs": 2, "batch_size": 5})
        result = declnet.run(parse_spec(document), data={"train": (x, y)})
        weights.append(result.model.store.vector.tobytes())
    assert weights[0] == weights[1]
