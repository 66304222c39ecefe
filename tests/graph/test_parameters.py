"""Tests of parameters."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import WeightsError
from declnet_plugins.standard.layers.dense import Dense


def test_all_mismatches_of_weights_are_reported_and_nothing_is_loaded(make_model):
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
