"""Tests of models with several inputs by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet import DataError, InputInfo, Layer, SpecError
from declnet.graph.inference import InferenceGraph, samples_at_once
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.shapes import infer_nodes
from declnet.graph.training_graph import TrainingGraph
from declnet.graph.wiring import parts_of, wire
from declnet.registry.discovery import default_registry
from declnet_plugins.standard.layers import Concatenate, Dense, Embedding, Flatten, ReLU
from declnet_plugins.standard.losses import MeanSquaredError

INPUTS = {"numbers": InputInfo((3,)), "word": InputInfo((2,), "integer", (5, 5))}


def layers(units=4):
    return (
        Embedding(categories=5, units=2, inputs=("input.word",)),
        Flatten(name="words"),
        Dense(units=units, inputs=("input.numbers",), name="numbers"),
        Concatenate(inputs=("input.numbers", "words", "numbers")),
        Dense(units=3, name="hidden"),
        ReLU(),
        Dense(units=1),
    )


def model_of(declared=None, inputs=INPUTS, dtype="float64", seed=0):
    nodes = infer_nodes(layers() if declared is None else declared, inputs)
    model = Model(nodes, inputs, dtype)
    model.store.initialize(seed, default_registry())
    return model


def batch(n=6, seed=0):
    rng = np.random.default_rng(seed)
    return {"numbers": rng.normal(size=(n, 3)), "word": rng.integers(0, 5, (n, 2))}


def by_hand(model, x):
    w = model.store.arrays
    words = w["embedding_1.weights"][x["word"]].reshape(-1, 4)
    numbers = x["numbers"] @ w["numbers.weights"] + w["numbers.biases"]
    joined = np.concatenate([x["numbers"], words, numbers], axis=1)
    hidden = np.maximum(joined @ w["hidden.weights"] + w["hidden.biases"], 0)
    return hidden @ w["dense_3.weights"] + w["dense_3.biases"]


@pytest.mark.parametrize("n", [1, 2, 6, 0])
def test_predictions_are_those_by_hand(n):
    model, x = model_of(), batch(n)
    np.testing.assert_allclose(model.predict(x), by_hand(model, x), rtol=1e-12)


def test_predictions_do_not_depend_on_the_order_of_the_dict_or_the_parts():
    model, x = model_of(), batch(20)
    whole = model.predict(x)
    assert np.array_equal(model.predict(dict(reversed(x.items()))), whole)
    small = InferenceGraph(model.nodes, model.store, model.dtype, 7)
    for part in (slice(0, 7), slice(7, 14), slice(14, 20)):
        (got,) = small.predict({name: each[part] for name, each in x.items()})
        np.testing.assert_allclose(got, whole[part], rtol=1e-12)
    assert np.array_equal(copy.deepcopy(model).predict(x), whole)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_all_parameters_are_those_by_central_differences(weighted):
    model, x, rng = model_of(), batch(), np.random.default_rng(1)
    y, loss = rng.normal(size=(6, 1)), MeanSquaredError()
    weights = rng.uniform(0.5, 2, 6) if weighted else None
    kernels = Kernels(default_registry())
    graph = TrainingGraph(model, loss, 8, 0, kernels)
    step = graph.step(x, y, weights)
    step.run()
    vector, gradient = model.store.vector, graph.gradient.copy()
    for at in range(len(vector)):
        kept, found = vector[at], []
        for change in (1e-6, -1e-6):
            vector[at] = kept + change
            found.append(step.run())
        vector[at] = kept
        assert gradient[at] == pytest.approx((found[0] - found[1]) / 2e-6, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(0, 100),
)
def test_inputs_read_directly_or_through_layers_sum_as_in_numpy(widths, n, seed):
    """A dense layer over the concatenation of all inputs, each also read through its own layer."""
    inputs = {f"i{k}": InputInfo((width,)) for k, width in enumerate(widths)}
    own = [Dense(units=2, name=f"d{k}", inputs=(f"input.i{k}",)) for k in range(len(widths))]
    names = tuple(name for k in range(len(widths)) for name in (f"input.i{k}", f"d{k}"))
    model = model_of((*own, Concatenate(inputs=names), Dense(units=1, name="last")), inputs)
    rng = np.random.default_rng(seed)
    x = {f"i{k}": rng.normal(size=(n, width)) for k, width in enumerate(widths)}
    w = model.store.arrays
    parts = []
    for k in range(len(widths)):
        parts += [x[f"i{k}"], x[f"i{k}"] @ w[f"d{k}.weights"]]
    expected = np.concatenate(parts, axis=1) @ w["last.weights"]
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-9, atol=1e-12)


def test_compiled_kernels_give_the_same_gradients():
    gradients = []
    for compiled in (False, True):
        model, x = model_of(), batch()
        kernels = Kernels(default_registry(), compiled=compiled)
        graph = TrainingGraph(model, MeanSquaredError(), 8, 0, kernels)
        graph.step(x, np.ones((6, 1))).run()
        gradients.append(graph.gradient.copy())
    np.testing.assert_allclose(*gradients, rtol=1e-10)


def test_one_input_with_a_name_takes_an_array_too():
    declared = (Dense(units=2, inputs=("input.only",)), Dense(units=1))
    model = model_of(declared, {"only": InputInfo((3,))})
    x = np.ones((4, 3))
    assert np.array_equal(model.predict(x), model.predict({"only": x}))
    assert model.input_shape == (3,)
    plain = model_of((Dense(units=2), Dense(units=1)), (3,))
    assert np.array_equal(plain.predict(x), model.predict(x))


class Chosen(Layer):
    """A layer that keeps what it learned from its inputs, for tests."""

    type = "chosen"
    n_inputs = None
    seen: tuple = ()

    def with_input_info(self, inputs):
        return self.model_copy(update={"seen": inputs})

    def output_shape(self, input_shape):
        return (1,)

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def test_layers_learn_about_their_inputs():
    declared = (
        Dense(units=4, inputs=("input.numbers",), name="d"),
        Chosen(inputs=("d", "input.word"), name="c"),
    )
    nodes = infer_nodes(declared, INPUTS)
    assert nodes[1].layer.seen == (InputInfo((4,)), INPUTS["word"])
    assert nodes[1].reads == (None, "word")
    assert declared[1].seen == ()


def faults(declared, inputs=INPUTS):
    with pytest.raises(SpecError) as caught:
        infer_nodes(declared, inputs)
    return [(each.code, each.path, each.message, each.help) for each in caught.value.problems]


def test_a_layer_must_say_which_of_several_inputs_it_reads():
    both = 'write inputs = ["input.numbers"] or inputs = ["input.word"]'
    first = faults((Dense(units=1),))
    assert first == [
        ("E026", ("model", "layers", 0), '"dense_1" reads "input", but the data has 2 inputs', both)
    ]
    plain = faults((Dense(units=1, inputs=("input",)),))
    assert [each[:2] for each in plain] == [("E026", ("model", "layers", 0, "inputs", 0))]


def test_unknown_and_unread_inputs_are_errors():
    (unknown,) = faults((Dense(units=1, inputs=("input.numbrs",)),))
    assert unknown[0] == "E020"
    assert unknown[3] == 'did you mean "input.numbers"?'
    (unread,) = faults((Dense(units=1, inputs=("input.numbers",)),))
    assert unread[:2] == ("E027", ("data", "inputs", "word"))
    (nameless,) = faults((Dense(units=1, inputs=("input.numbers",)),), (3,))
    assert nameless[3] == 'the data does not name its input: write "input"'


def test_names_that_are_not_known_yet_are_not_errors():
    wires, problems = wire(parts_of([Dense(units=1, inputs=("input.any",))]), None)
    assert problems == []
    assert wires[0].reads == ("any",)


def test_floats_and_integers_are_distinguished_by_input():
    declared = (
        Embedding(categories=5, units=2, inputs=("input.word",)),
        Flatten(),
        Dense(units=1, inputs=("input.word",), name="d"),
        Concatenate(inputs=("flatten_1", "d", "input.numbers")),
    )
    (mixed,) = faults(declared)
    assert mixed[0] == "E024"
    assert mixed[2] == '"embedding_1" takes the input as integers, but d as floats'
    assert model_of().integer_inputs == {"word"}


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((2, 3)), "the model has the inputs numbers, word: give an array for each"),
        ({"numbers": np.ones((2, 3))}, "has the inputs numbers, word, but x has numbers"),
        (batch() | {"more": np.ones(2)}, "but x has numbers, word, more"),
        (batch() | {"numbers": np.ones((6, 2))}, 'samples of the input "numbers" of shape'),
        (batch() | {"numbers": np.ones((5, 3))}, '"numbers" has 5 samples, but "word" has 6'),
        (batch() | {"word": np.ones((6, 2))}, "takes integers, but word is float64"),
    ],
)
def test_wrong_samples_are_refused(x, message):
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        model_of().predict(x)


def test_memory_for_predictions_counts_all_inputs():
    wide = {"numbers": InputInfo((3,)), "word": InputInfo((2**22,))}
    declared = (
        Dense(units=1, inputs=("input.numbers",), name="a"),
        Dense(units=1, inputs=("input.word",), name="b"),
        Concatenate(inputs=("a", "b")),
    )
    assert samples_at_once(infer_nodes(declared, wide), "float32") <= 4
