from __future__ import annotations

import numpy as np

from declnet_standard.layers import SiLU


def passed(x, state_of):
    state = state_of(SiLU(), (x.shape[1],), len(x))
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    SiLU().forward(x, y, state)
    SiLU().backward(None, y, np.ones_like(x), dx, state)
    return y, dx


def test_smallest_value_is_where_the_gradient_vanishes(state_of):
    y, dx = passed(np.array([[-1.2784645427610738]]), state_of)
    np.testing.assert_allclose(y, -0.2784645427610738, rtol=1e-14)
    np.testing.assert_allclose(dx, 0, atol=1e-15)


def test_is_the_identity_far_above_zero_and_nothing_far_below(state_of):
    y, dx = passed(np.array([[-12345.678, 12345.678]]), state_of)
    assert y.tolist() == [[0.0, 12345.678]]
    assert dx.tolist() == [[0.0, 1.0]]
