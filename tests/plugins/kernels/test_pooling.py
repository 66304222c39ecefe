"""Compiled pools with ties, infinities and padding, in any number of parts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.kernels.pooling import (
    AveragePool2dKernel,
    MaxPool2dKernel,
)

pytestmark = pytest.mark.usefixtures("numba")

WINDOWS = ({"pool_size": 3, "stride": 2, "padding": 1}, {"pool_size": [1, 2], "stride": 3})
CASES = [
    *((kernel, fields) for kernel in (MaxPool2dKernel, AveragePool2dKernel) for fields in WINDOWS),
]


def last(array):
    """Return a copy with the batch axis last in memory."""
    return np.moveaxis(np.moveaxis(array, 0, -1).copy(), -1, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "fields"), CASES)
def test_the_component_is_computed_in_any_number_of_parts(kernel, fields, dtype):
    shape, rng, n = (3, 6, 8), np.random.default_rng(2), 37
    layer = kernel.replaces[0](**fields)
    x = last(rng.integers(-3, 3, (n, *shape)).astype(dtype))  # with ties
    x[0, 0, :3, :3], x[-1, 1, 2, 2] = -np.inf, np.nan
    y, dy = (last(rng.normal(size=(n, *layer.output_shape(shape))).astype(dtype)) for _ in "yd")
    state = SimpleNamespace(training=True)
    for name, array in layer.workspace(shape).items():
        setattr(state, name, last(np.zeros((n, *array.shape), array.dtype or dtype)))
    dx, results = last(np.empty((n, *shape), dtype)), []
    site = KernelSite((layer,), x=x, y=y, dy=dy, dx=dx, states=(state,))
    for parts in (1, 5):
        calls = kernel().bind(site)
        y[...] = dx[...] = 1234.5
        for call in (*calls.forward, *calls.backward):
            for part in reversed(range(parts)):
                call.block[:2] = part, parts
                call()
        results.append((y.copy(), dx.copy()))
    with np.errstate(invalid="ignore"):
        layer.forward(x, y, state)
        layer.backward(None, None, dy, dx, state)
    close = {"rtol": 2e-6 if dtype == "float32" else 1e-14, "atol": 1e-6}
    for whole, in_parts, expected in zip(*results, (y, dx), strict=True):
        assert whole.tobytes() == in_parts.tobytes()
        np.testing.assert_allclose(whole, expected, **close)
