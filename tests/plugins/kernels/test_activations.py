"""Compiled activations equal the components for numbers of all sizes, in any number of parts."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState
from declnet_plugins.kernels import activations

pytestmark = pytest.mark.usefixtures("numba")

CASES = [
    pytest.param(kernel, example, id=f"{kernel.type}{i or ''}")
    for kernel in vars(activations).values()
    if getattr(kernel, "replaces", ()) and "type" in vars(kernel)
    for i, example in enumerate(kernel.replaces[0].examples or ({},))
]

N, FEATURES = 101, 37


def state_of(layer, dtype):
    state = LayerState(np.random.default_rng(), training=True)
    for name, buffer in layer.workspace((FEATURES,)).items():
        array = np.full((FEATURES, N), buffer.fill or 0, buffer.dtype or dtype).T
        setattr(state, name, array)
    return state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kernel", "example"), CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_and_derivatives_in_parts(kernel, example, dtype):
    layer, rng = kernel.replaces[0](**example), np.random.default_rng(1)
    x = rng.normal(size=(FEATURES, N)) * 10.0 ** rng.integers(-9, 3, (FEATURES, N))
    x[0, :6] = [0, -0.0, np.nan, np.inf, -np.inf, 300]
    x, dy = x.astype(dtype).T, rng.uniform(0.5, 1, (FEATURES, N)).astype(dtype).T
    right = [np.empty_like(x) for _ in range(2)]
    state, needs = state_of(layer, dtype), layer.backward_needs
    layer.forward(x, right[0], state)
    needed = x if "x" in needs else None, right[0] if "y" in needs else None
    layer.backward(*needed, dy, right[1], state)
    results = []
    for parts in (1, 5):
        y, dx = x.copy(order="K"), dy.copy(order="K")
        filled = (y, dx) if layer.in_place else (np.empty_like(x), np.empty_like(dy))
        targets = (*filled, dy) if not layer.in_place else (y, dx, dx)
        arrays = dict(zip(("y", "dx", "dy"), targets, strict=True))
        arrays["x"] = y if layer.in_place else x
        site = KernelSite((layer,), **arrays, states=(state_of(layer, dtype),))
        calls = kernel().bind(site)
        for call in (*calls.forward, *calls.backward):
            for part in reversed(range(parts)):
                call.block[:2] = part, parts
                call()
        results.append([array.tobytes() for array in targets[:2]])
    assert results[0] == results[1]
    tolerance = 2e-6 if dtype == "float32" else 6e-15
    for actual, expected in zip(targets[:2], right, strict=True):
        assert np.array_equal(np.isnan(actual), np.isnan(expected))
        finite = np.isfinite(expected)
        assert np.array_equal(actual[~finite], expected[~finite], equal_nan=True)
        scale = np.maximum(np.abs(expected[finite]), 1)
        assert (np.abs(actual[finite] - expected[finite]) / scale).max() < tolerance
