from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.layers import GELU

X = np.linspace(-10, 10, 2001)[:, None]


def passed(layer, state_of, x=X, training=True):
    state = state_of(layer, x.shape[1:], len(x))
    state.training = training
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    layer.forward(x, y, state)
    if training:
        layer.backward(None, None, np.ones_like(x), dx, state)
    return y, dx


def test_exact_form_is_right_to_the_last_digits(state_of):
    y, dx = passed(GELU(), state_of)
    below = [(1 + erf(x / sqrt(2))) / 2 for x in X[:, 0]]
    density = [exp(-(x**2) / 2) / sqrt(2 * pi) for x in X[:, 0]]
    np.testing.assert_allclose(y[:, 0], X[:, 0] * below, rtol=0, atol=2e-15)
    np.testing.assert_allclose(dx[:, 0], below + X[:, 0] * density, rtol=0, atol=2e-15)


def test_small_negative_tail_is_no_difference_of_large_numbers(state_of):
    y, _ = passed(GELU(), state_of, np.array([[-8.0]]))
    np.testing.assert_allclose(y, -8 * 6.220960574271785e-16, rtol=1e-7)  # Phi(-8)


def test_tanh_form_is_near_the_exact_one(state_of):
    exact, exact_dx = passed(GELU(), state_of)
    near, near_dx = passed(GELU(approximation="tanh"), state_of)
    assert 1e-5 < np.abs(near - exact).max() < 5e-4
    assert np.abs(near_dx - exact_dx).max() < 2e-3


@pytest.mark.parametrize("approximation", ["none", "tanh"])
def test_evaluation_gives_what_training_gives(state_of, approximation):
    layer = GELU(approximation=approximation)
    training, _ = passed(layer, state_of)
    evaluation, _ = passed(layer, state_of, training=False)
    np.testing.assert_array_equal(training, evaluation)


@pytest.mark.parametrize("value", [-np.inf, np.inf, -3e38, 3e38])
def test_huge_inputs_in_float32(state_of, value):
    x = np.array([[value]], np.float32)
    y, dx = passed(GELU(), state_of, x)
    assert y.tolist() == np.maximum(x, 0).tolist()
    assert dx.tolist() == [[float(value > 0)]]


def test_other_approximations_are_refused():
    with pytest.raises(ValidationError):
        GELU(approximation="erf")
