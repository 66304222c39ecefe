from __future__ import annotations

import copy
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import DataError, MappedArray
from declnet_plugins.standard.layers.activations import ReLU, Softmax
from declnet_plugins.standard.layers.dense import Dense
from declnet_plugins.standard.layers.normalization import BatchNorm


@pytest.fixture
def model(make_model):
    return make_model((Dense(units=8), ReLU(), Dense(units=4), Softmax()))


def by_hand(model, x):
    w = model.parameters()
    hidden = np.maximum(x @ w["dense_1.weights"] + w["dense_1.biases"], 0)
    logits = hidden @ w["dense_2.weights"] + w["dense_2.biases"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n", [0, 1, 5, 1024, 1025, 2500])
def test_predictions_of_any_number_of_samples_match_a_calculation_by_hand(model, n):
    x = np.random.default_rng(0).normal(size=(n, 3))
    np.testing.assert_allclose(model.predict(x), by_hand(model, x), rtol=1e-12)


def test_predictions_and_parameters_are_copies(model):
    x = np.random.default_rng(0).normal(size=(5, 3))
    first = model.predict(x)
    copy = first.copy()
    model.predict(x + 1)
    assert (first == copy).all()
    model.parameters()["dense_1.weights"][...] = 99
    assert (model.predict(x) == copy).all()


@given(data=st.data())
def test_predictions_of_any_dag_equal_calling_its_layers_one_by_one(dags, make_model, data):
    model = make_model(data.draw(dags(smooth=True, orders=True)))
    x = np.random.default_rng(1).normal(size=(4, 3))
    values, weights = [x], model.parameters()
    for node in model.nodes:
        inputs = [values[value] for value in node.inputs]
        if node.layer.type == "dense":
            values.append(
                inputs[0] @ weights[f"{node.name}.weights"] + weights[f"{node.name}.biases"]
            )
        else:
            values.append(inputs[0] if node.layer.type == "linear" else node.layer.value(*inputs))
    np.testing.assert_allclose(model.predict(x), values[-1], rtol=1e-12, atol=1e-12)


def pickled(value):
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_predicts_and_can_be_trained(make_model, duplicate):
    """A deep copy has a parameter vector; `copy.copy` shares the parameters."""
    model = make_model((Dense(units=4), BatchNorm(), Dense(units=2)))
    x = np.random.default_rng(0).normal(size=(5, 3))
    expected = model.predict(x)
    same = duplicate(model)
    assert np.array_equal(same.predict(x), expected)
    assert same.summary() == model.summary()
    assert same.parameters().keys() == model.parameters().keys()
    same.store.vector[:] = 0
    same.load_parameters({key: array + 1 for key, array in same.parameters().items()})
    assert (same.store.vector == 1).all()
    assert np.array_equal(model.predict(x), expected) == (duplicate is not copy.copy)


def test_concurrent_predictions_do_not_affect_each_other(model):
    batches = [np.random.default_rng(seed).normal(size=(700, 3)) for seed in range(8)]
    expected = [by_hand(model, x) for x in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            for y, right in zip(pool.map(model.predict, batches), expected, strict=True):
                np.testing.assert_allclose(y, right, rtol=1e-10)


@pytest.mark.parametrize("shape", [(5, 2), (3,), (), (5, 3, 1)])
def test_samples_of_another_shape_are_refused(model, shape):
    with pytest.raises(DataError, match=r"x must have shape \(n, 3\)"):
        model.predict(np.zeros(shape))


def in_a_file(x, path):
    x.tofile(path)
    return MappedArray(path, 0, x.shape, x.dtype)


FORMS = {
    "float64": lambda x, path: x,
    "other_axis_first": lambda x, path: np.asfortranarray(x, np.float32),
    "in_a_file": in_a_file,
}


@pytest.mark.parametrize("form", FORMS)
def test_conversion_takes_the_memory_of_one_part(make_model, tmp_path, form):
    model = make_model((Dense(units=1),), "float32", input_shape=(64,))
    x = np.random.default_rng(0).random((2**17, 64))  # 64 MB
    expected = model.predict(x.astype(np.float32))
    given_as = FORMS[form](x, tmp_path / "x")
    tracemalloc.start()
    try:
        y = model.predict(given_as)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(y, expected)
    assert y.nbytes < most < y.nbytes + 2**21  # a copy in float32: 2**25
