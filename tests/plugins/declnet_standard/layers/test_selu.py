from __future__ import annotations

import numpy as np

from declnet_standard.layers import SELU
from declnet_standard.layers.activations import ALPHA, SCALE


def test_mean_0_and_variance_1_stay(state_of):
    x = np.random.default_rng(0).normal(size=(400_000, 1))
    y = np.full_like(x, np.nan)
    SELU().forward(x, y, state_of(SELU(), (1,), len(x)))
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


def test_limit_and_slopes(state_of):
    x = np.array([[-1e4, 0.0, 2.0]])
    state = state_of(SELU(), (3,), 1)
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    SELU().forward(x, y, state)
    SELU().backward(None, y, np.ones_like(x), dx, state)
    np.testing.assert_allclose(y, [[-SCALE * ALPHA, 0, 2 * SCALE]], rtol=1e-15)
    np.testing.assert_allclose(dx, [[0, SCALE * ALPHA, SCALE]], atol=1e-15)
