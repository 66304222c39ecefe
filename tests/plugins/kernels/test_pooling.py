"""Compiled pools: the components' results, with ties, NaN and padding."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.kernels.pooling import (
    AveragePool2dKernel,
    GlobalAveragePool2dKernel,
    MaxPool2dKernel,
)
from declnet_plugins.standard.layers import AveragePool2d, GlobalAveragePool2d, MaxPool2d

pytestmark = pytest.mark.usefixtures("numba")

FIELDS = (
    {"pool_size": 2},
    {"pool_size": 3, "stride": 2, "padding": 1},
    {"pool_size": [2, 3], "stride": 1, "padding": "same"},
    {"pool_size": [1, 2], "stride": 3},
)
KERNELS = {
    MaxPool2d: MaxPool2dKernel,
    AveragePool2d: AveragePool2dKernel,
    GlobalAveragePool2d: GlobalAveragePool2dKernel,
}
LAYERS = [
    GlobalAveragePool2d(),
    *(cls(**fields) for cls in (MaxPool2d, AveragePool2d) for fields in FIELDS),
]


def last(array):
    """Return a copy with the batch axis last in memory."""
    return np.moveaxis(np.moveaxis(array, 0, -1).copy(), -1, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.type)
def test_the_component_is_computed_in_any_number_of_parts(layer, dtype):
    shape, rng = (3, 6, 8), np.random.default_rng(2)
    kernel = KERNELS[type(layer)]
    for n in (1, 37):
        output = layer.output_shape(shape)
        x = last(rng.integers(-3, 3, (n, *shape)).astype(dtype))  # with ties
        x[0, 0, :3, :3] = -np.inf
        x[-1, 1, 2, 2] = np.nan
        y, dy = (last(rng.normal(size=(n, *output)).astype(dtype)) for _ in range(2))
        dy[-1, 2].flat[0] = np.inf
        workspace = {
            name: last(np.zeros((n, *each.shape), each.dtype or dtype))
            for name, each in layer.workspace(shape).items()
        }
        state = SimpleNamespace(training=True, **workspace)
        dx = last(np.full((n, *shape), 1234.5, dtype))
        site = KernelSite((layer,), x=x, y=y, dy=dy, dx=dx, states=(state,))
        results = []
        for parts in (1, 2, 5):
            calls = kernel().bind(site)
            y[...] = dx[...] = 1234.5
            for call in (*calls.forward, *calls.backward):
                for part in reversed(range(parts)):
                    call.block[:2] = part, parts
                    call()
            results.append([y.copy(), dx.copy()])
        assert all(each[0].tobytes() == results[0][0].tobytes() for each in results)
        assert all(each[1].tobytes() == results[0][1].tobytes() for each in results)
        with np.errstate(invalid="ignore"):
            layer.forward(x, y, state)
            layer.backward(None, None, dy, dx, state)
        close = {"rtol": 2e-6 if dtype == "float32" else 1e-14, "atol": 1e-6}
        np.testing.assert_allclose(results[0][0], y, **close)
        np.testing.assert_allclose(results[0][1], dx, **close)
