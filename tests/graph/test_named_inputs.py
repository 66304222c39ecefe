"""Tests of models with named inputs."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from declnet import DataError, InputInfo
from declnet.graph.inference import InferenceGraph, samples_at_once
from declnet.graph.model import Model
from declnet.graph.shapes import infer_network
from declnet.registry.discovery import default_registry
from declnet_plugins.standard.layers.activations import ReLU
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.embedding import Embedding
from declnet_plugins.standard.layers.joining import Concatenate
from declnet_plugins.standard.layers.reshaping import Flatten

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
    network = infer_network(layers() if declared is None else declared, inputs)
    model = Model(network, dtype)
    model.store.initialize(seed, default_registry())
    return model


def batch(n=6, seed=0):
    rng = np.random.default_rng(seed)
    return {"numbers": rng.normal(size=(n, 3)), "word": rng.integers(0, 5, (n, 2))}


def test_predictions_do_not_depend_on_the_order_of_the_dict_or_the_parts():
    model, x = model_of(), batch(20)
    whole = model.predict(x)
    assert np.array_equal(model.predict(dict(reversed(x.items()))), whole)
    small = InferenceGraph(model.network, model.store, 7)
    for part in (slice(0, 7), slice(7, 14), slice(14, 20)):
        (y,) = small.predict({name: array[part] for name, array in x.items()})
        np.testing.assert_allclose(y, whole[part], rtol=1e-12)
    assert np.array_equal(copy.deepcopy(model).predict(x), whole)


def test_a_single_named_input_also_takes_an_array():
    declared = (Dense(units=2, inputs=("input.only",)), Dense(units=1))
    model = model_of(declared, {"only": InputInfo((3,))})
    x = np.ones((4, 3))
    assert np.array_equal(model.predict(x), model.predict({"only": x}))
    assert model.input_shape == (3,)
    plain = model_of((Dense(units=2), Dense(units=1)), (3,))
    assert np.array_equal(plain.predict(x), model.predict(x))


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
def test_invalid_samples_are_refused(x, message):
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        model_of().predict(x)


def test_memory_for_predictions_counts_all_inputs():
    wide = {"numbers": InputInfo((3,)), "word": InputInfo((2**22,))}
    declared = (
        Dense(units=1, inputs=("input.numbers",), name="a"),
        Dense(units=1, inputs=("input.word",), name="b"),
        Concatenate(inputs=("a", "b")),
    )
    assert samples_at_once(infer_network(declared, wide), "float32") <= 4
