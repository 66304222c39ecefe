from __future__ import annotations

import numpy as np

from declnet_layers import ReLU

X = np.array([[-2.0, -0.0, 0.0, 3.0]])


def test_forward_cuts_off_below_zero():
    y = np.full_like(X, np.nan)
    ReLU().forward(X, y, None)
    assert y.tolist() == [[0.0, 0.0, 0.0, 3.0]]


def test_gradient_is_zero_at_zero(state_of):
    dx = np.full_like(X, np.nan)
    ReLU().backward(None, np.maximum(X, 0), np.full_like(X, 7.0), dx, state_of(ReLU(), (4,), 1))
    assert dx.tolist() == [[0.0, 0.0, 0.0, 7.0]]
