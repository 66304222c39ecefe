from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.layers import PReLU
from declnet_standard.regularizers import L2


@pytest.mark.parametrize(
    ("shared", "shape", "count"),
    [(False, (5,), 5), (False, (3, 8, 8), 3), (True, (5,), 1), (True, (3, 8, 8), 1)],
)
def test_one_slope_a_feature_or_channel_or_in_all(shared, shape, count):
    slopes = PReLU(shared=shared).parameters(shape)["slopes"]
    assert slopes.shape == (count,)
    assert slopes.initializer.value == 0.25
    assert slopes.regularizer is None


def test_slopes_may_be_regularized_and_start_elsewhere():
    layer = PReLU(slope_initializer="zeros", slope_regularizer=L2(strength=0.1))
    slopes = layer.parameters((4,))["slopes"]
    assert (slopes.initializer.type, slopes.regularizer) == ("zeros", L2(strength=0.1))


@pytest.mark.parametrize("shared", [False, True])
def test_each_feature_has_its_own_slope_unless_shared(state_of, shared):
    x = np.array([[-1.0, -1.0], [2.0, -3.0]])
    layer = PReLU(shared=shared)
    slopes = np.array([0.5] if shared else [0.5, -2.0])
    state = state_of(layer, (2,), 2, slopes=slopes)
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    layer.forward(x, y, state)
    layer.backward(x, None, np.ones_like(x), dx, state)
    second = slopes[-1]
    assert y.tolist() == [[-0.5, -second], [2.0, -3 * second]]
    assert dx.tolist() == [[0.5, second], [1.0, second]]
    assert state.grad.slopes.tolist() == ([-5.0] if shared else [-1.0, -4.0])
