"""Gradients of a ReLU layer with few inputs; `test_products` tests products with few k."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from declnet_plugins.jit.routines.few_rows import FEW, MASKS, rectified_gradient

pytestmark = [
    pytest.mark.usefixtures("numba"),
    pytest.mark.skipif(not MASKS, reason="the processor has no masks for its vectors"),
]


def computed(x, y, dy, parts):
    """Return dw and db, computed in parts, in any order."""
    dw, db = np.empty((x.shape[1], y.shape[1]), x.dtype), np.empty(y.shape[1], x.dtype)
    call = rectified_gradient(x, y, dy, dw, db)
    for part in reversed(range(parts)):
        block = call.block.copy()
        block[:2] = part, parts
        replace(call, block=block)()
    return np.vstack([dw, db])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs", range(1, FEW + 1))
def test_gradients_of_all_sizes_in_any_number_of_parts(dtype, inputs):
    rng = np.random.default_rng(inputs)
    for units, n in ((1, 1), (3, 16), (9, 33), (6, 300)):
        x, y, dy = (rng.normal(size=(1, size, n)).astype(dtype) for size in (inputs, units, units))
        y[0, 0, 0] = 0  # of which the slope is 0
        slopes = np.where(y > 0, dy, 0)[0].astype(float)
        results = [computed(x, y, dy, parts) for parts in (1, 2, 5)]
        expected = np.vstack([x[0] @ slopes.T, slopes.sum(axis=1)])
        close = 8 * n * np.finfo(dtype).eps
        np.testing.assert_allclose(results[0], expected, rtol=0, atol=close)
        assert len({result.tobytes() for result in results}) == 1
