from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.layers import LeakyReLU

X = np.array([[-2.0, -0.0, 0.0, 3.0]])


def test_leaks_below_zero_and_at_zero(state_of):
    layer = LeakyReLU(negative_slope=0.25)
    state = state_of(layer, (4,), 1)
    y, dx = np.full_like(X, np.nan), np.full_like(X, np.nan)
    layer.forward(X, y, state)
    layer.backward(None, y, np.full_like(X, 4.0), dx, state)
    assert y.tolist() == [[-0.5, 0.0, 0.0, 3.0]]
    assert dx.tolist() == [[1.0, 1.0, 1.0, 4.0]]


@pytest.mark.parametrize("slope", [-0.1, 1.5])
def test_slopes_that_hide_the_sign_of_x_are_refused(slope):
    with pytest.raises(ValidationError):
        LeakyReLU(negative_slope=slope)
