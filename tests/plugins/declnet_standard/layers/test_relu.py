from __future__ import annotations

import numpy as np

from declnet_standard.layers import ReLU

X = np.array([[-2.0, -0.0, 0.0, 3.0]])


def test_forward_cuts_off_below_zero(state_of):
    y = np.full_like(X, np.nan)
    ReLU().forward(X, y, state_of(ReLU(), (4,), 1))
    assert y.tolist() == [[0.0, 0.0, 0.0, 3.0]]


def test_not_a_number_stays_for_the_loss_to_tell(state_of):
    x, y = np.array([[np.nan, -np.inf, np.inf, 1.0]]), np.zeros((1, 4))
    ReLU().forward(x, y, state_of(ReLU(), (4,), 1))
    np.testing.assert_equal(y, [[np.nan, 0.0, np.inf, 1.0]])


def test_gradient_is_zero_at_zero(state_of):
    dx = np.full_like(X, np.nan)
    ReLU().backward(None, np.maximum(X, 0), np.full_like(X, 7.0), dx, state_of(ReLU(), (4,), 1))
    assert dx.tolist() == [[0.0, 0.0, 0.0, 7.0]]
