from __future__ import annotations

import numpy as np

from declnet_standard.layers import Tanh


def test_saturates_without_a_gradient(state_of):
    x = np.array([[-1e4, 0.0, 1e4]])
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    state = state_of(Tanh(), (3,), 1)
    Tanh().forward(x, y, state)
    Tanh().backward(None, y, np.full_like(x, 3.0), dx, state)
    assert y.tolist() == [[-1.0, 0.0, 1.0]]
    assert dx.tolist() == [[0.0, 3.0, 0.0]]
