from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.layers import Softplus

X = np.array([[-300.0, 0.0, 21.0, 1e4]])


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_keeps_its_digits_at_both_ends(state_of, beta):
    layer = Softplus(beta=beta)
    state = state_of(layer, (4,), 1)
    y, dx = np.full_like(X, np.nan), np.full_like(X, np.nan)
    layer.forward(X, y, state)
    layer.backward(None, y, np.ones_like(X), dx, state)
    tail, bend = exp(-300 * beta), exp(-21 * beta)
    np.testing.assert_allclose(y, [[tail / beta, log(2) / beta, 21 + bend / beta, 1e4]], rtol=1e-13)
    np.testing.assert_allclose(dx, [[tail, 0.5, 1 / (1 + bend), 1]], rtol=1e-13)


def test_beta_must_be_above_zero():
    with pytest.raises(ValidationError):
        Softplus(beta=0.0)
