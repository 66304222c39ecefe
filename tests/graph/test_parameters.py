"""Tests of parameters."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import WeightsError
from declnet_plugins.standard.layers import Dense, ReLU


def test_trainable_parameters_are_views_of_one_vector(make_model):
    model = make_model((Dense(units=2), ReLU(), Dense(units=1)))
    store = model.store
    assert [slot.key for slot in store.slots] == [
        "dense_1.weights",
        "dense_1.biases",
        "dense_2.weights",
        "dense_2.biases",
    ]
    store.vector[:] = np.arange(len(store.vector))
    assert store.arrays["dense_1.weights"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert store.arrays["dense_2.biases"].tolist() == [10]


def test_each_layer_is_initialized_from_a_stream_of_its_own(make_model):
    short = make_model((Dense(units=3), Dense(units=3))).parameters()
    again = make_model((Dense(units=3), Dense(units=3))).parameters()
    other = make_model((Dense(units=3), Dense(units=3)), seed=1).parameters()
    assert (short["dense_1.weights"] == again["dense_1.weights"]).all()
    assert (short["dense_1.weights"] != short["dense_2.weights"]).all()
    assert (short["dense_1.weights"] != other["dense_1.weights"]).all()


def test_weights_that_do_not_fit_change_nothing_and_every_difference_is_reported(make_model):
    model = make_model((Dense(units=2), Dense(units=1)))
    before = model.parameters()
    saved = dict(before)
    saved["dense_1.weights"] = np.zeros((2, 2))
    saved["dense_9.weights"] = saved.pop("dense_2.weights")
    with pytest.raises(WeightsError) as caught:
        model.load_parameters(saved, "file")
    message = str(caught.value)
    assert message.startswith("file: ")
    assert "dense_2.weights is missing" in message
    assert "dense_9.weights is not in the model" in message
    assert "dense_1.weights has shape (2, 2), the model's has (3, 2)" in message
    assert all((model.parameters()[key] == array).all() for key, array in before.items())
