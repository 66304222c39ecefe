from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.layers import Dense


@pytest.fixture
def state(golden_components, state_of):
    weights, biases = golden_components["dense_weights"], golden_components["dense_biases"][0]
    return state_of(Dense(units=5), (4,), 12, weights=weights, biases=biases)


def test_forward_gives_the_golden_output(golden_components, state):
    y = np.full((12, 5), np.nan)
    Dense(units=5).forward(golden_components["dense_x"], y, state)
    np.testing.assert_allclose(y, golden_components["dense_y"], rtol=1e-12)


def test_backward_gives_the_golden_gradient_of_its_input(golden_components, state):
    dx = np.full((12, 4), np.nan)
    Dense(units=5).backward(
        golden_components["dense_x"], None, golden_components["dense_dy"], dx, state
    )
    np.testing.assert_allclose(dx, golden_components["dense_dx"], rtol=1e-12)


def test_backward_leaves_out_the_gradient_that_nobody_needs(golden_components, state):
    x, dy = golden_components["dense_x"], golden_components["dense_dy"]
    Dense(units=5).backward(x, None, dy, None, state)
    np.testing.assert_allclose(state.grad.weights, x.T @ dy, rtol=1e-12)
    np.testing.assert_allclose(state.grad.biases, dy.sum(axis=0), rtol=1e-12)


def test_takes_one_axis_of_features_only():
    with pytest.raises(ValueError, match=r"one axis, \(inputs,\), not \(3, 8, 8\)"):
        Dense(units=5).output_shape((3, 8, 8))


def test_weights_start_by_glorot_uniform_and_biases_at_zero():
    parameters = Dense(units=5).parameters((4,))
    assert parameters["weights"].shape == (4, 5)
    assert parameters["biases"].shape == (5,)
    assert parameters["weights"].initializer.type == "glorot_uniform"
    assert parameters["biases"].initializer.type == "zeros"
