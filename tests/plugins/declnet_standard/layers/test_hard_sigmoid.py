from __future__ import annotations

import numpy as np

from declnet_standard.layers import HardSigmoid

X = np.array([[-1e4, -3.0, -2.99, 0.0, 2.99, 3.0, 1e4]])


def test_slopes_between_its_kinks_only(state_of):
    state = state_of(HardSigmoid(), (7,), 1)
    y, dx = np.full_like(X, np.nan), np.full_like(X, np.nan)
    HardSigmoid().forward(X, y, state)
    HardSigmoid().backward(None, y, np.full_like(X, 6.0), dx, state)
    np.testing.assert_allclose(y, [[0, 0, 0.01 / 6, 0.5, 5.99 / 6, 1, 1]], rtol=1e-12)
    assert dx.tolist() == [[0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0]]
