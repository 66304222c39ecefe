from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.layers import ELU

X = np.array([[-1e4, -1e-12, 0.0, 1e-12, 5.0]])


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_limit_kink_and_digits_near_zero(state_of, alpha):
    layer = ELU(alpha=alpha)
    state = state_of(layer, (5,), 1)
    y, dx = np.full_like(X, np.nan), np.full_like(X, np.nan)
    layer.forward(X, y, state)
    layer.backward(None, y, np.ones_like(X), dx, state)
    np.testing.assert_allclose(y, [[-alpha, -1e-12 * alpha, 0, 1e-12, 5]], rtol=1e-11)
    np.testing.assert_allclose(dx, [[0, alpha, alpha, 1, 1]], rtol=1e-11)


def test_negative_alpha_is_refused():
    with pytest.raises(ValidationError):
        ELU(alpha=-0.5)
