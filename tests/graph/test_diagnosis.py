from __future__ import annotations

import numpy as np
import pytest

from declnet.training.divergence import first_non_finite
from declnet_standard.layers import Dense, ReLU

X = np.ones((2, 3))


@pytest.fixture
def model(make_model):
    return make_model((Dense(units=2), ReLU(), Dense(units=2)))


def test_a_finite_model_has_no_fault(model):
    assert first_non_finite(model, X) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["dense_1.biases", "dense_2.weights"])
def test_the_parameter_at_fault_is_named(model, key, value):
    model.store.arrays[key].flat[0] = value
    assert first_non_finite(model, X) == tuple(key.split("."))


def test_the_output_at_fault_is_named(model):
    model.store.arrays["dense_1.weights"][...] = 1e300
    model.store.arrays["dense_2.weights"][...] = 1e300
    with np.errstate(all="ignore"):
        assert first_non_finite(model, X) == ("dense_2", "output")
