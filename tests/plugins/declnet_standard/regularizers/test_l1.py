from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.regularizers import L1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_is_minus_strength_below_zero_and_plus_strength_elsewhere(dtype):
    dw = np.ones(4, dtype)
    L1(strength=0.5).add_gradient(np.array([-2.0, -0.0, 0.0, 3.0], dtype), dw)
    assert dw.tolist() == [0.5, 1.5, 1.5, 1.5]
    assert dw.dtype == dtype
