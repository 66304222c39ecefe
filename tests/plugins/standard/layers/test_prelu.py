from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers import PReLU
from declnet_plugins.standard.regularizers import L2

from ....plain_arrays import LayerRun


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


@pytest.mark.parametrize("slopes", [[0.5], [0.5, -2.0]])
def test_each_feature_has_its_own_slope_unless_shared(slopes):
    run = LayerRun(PReLU(shared=len(slopes) == 1), (2,), 2)
    run.initial["slopes"] = np.array(slopes)
    found = run.run(np.array([[-1.0, -1.0], [2.0, -3.0]]))
    second = slopes[-1]
    assert found["y"].tolist() == [[-0.5, -second], [2.0, -3 * second]]
    assert found["dx"].tolist() == [[0.5, second], [1.0, second]]
    assert found["grad.slopes"].tolist() == ([-5.0] if len(slopes) == 1 else [-1.0, -4.0])
