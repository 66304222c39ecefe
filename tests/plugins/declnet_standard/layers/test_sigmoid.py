from __future__ import annotations

import numpy as np

from declnet_standard.layers import Sigmoid

X = np.array([[-700.0, -30.0, -1.0, 0.0, 1.0, 30.0, 1e4]])


def test_keeps_its_digits_at_both_ends(state_of):
    y = np.full_like(X, np.nan)
    Sigmoid().forward(X, y, state_of(Sigmoid(), (7,), 1))
    expected = [np.exp(-700), np.exp(-30) / (1 + np.exp(-30)), 1 / (1 + np.e), 0.5]
    np.testing.assert_allclose(y[0, :4], expected, rtol=1e-14)
    np.testing.assert_allclose(y[0, 4:], [np.e / (1 + np.e), 1 / (1 + np.exp(-30)), 1], rtol=1e-15)


def test_gradient_is_steepest_in_the_middle(state_of):
    y, dx = np.array([[0.0, 0.25, 0.5, 1.0]]), np.full((1, 4), np.nan)
    Sigmoid().backward(None, y, np.full((1, 4), 2.0), dx, state_of(Sigmoid(), (4,), 1))
    assert dx.tolist() == [[0.0, 0.375, 0.5, 0.0]]
