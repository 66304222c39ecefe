"""Dense layers as native calls: both memory orders of x, sequences, parts, and special numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.kernels.dense import DenseKernel, DenseReLUKernel

pytestmark = pytest.mark.usefixtures("numba")

KERNELS = (DenseKernel, DenseReLUKernel)
SHAPES = [(2, 64), (64, 3), (3, 1), (40, 9), (70, 33)]


def in_order(array, order):
    """Return a copy of (n, …) in a memory order."""
    if order == "batch_first":
        return array.copy()
    return np.moveaxis(np.moveaxis(array, 0, -1).copy(), -1, 0)


def site_of(rng, x, dy, dx_order):
    inputs, units, dtype = x.shape[-1], dy.shape[-1], x.dtype
    weights = rng.normal(size=(inputs, units)).astype(dtype)
    biases = rng.normal(size=units).astype(dtype)
    grad = SimpleNamespace(weights=np.empty_like(weights), biases=np.empty_like(biases))
    return KernelSite(
        (),
        x=x,
        y=in_order(np.full_like(dy, np.nan), "batch_last"),
        dy=in_order(dy, "batch_last"),
        dx=in_order(np.full_like(x, np.nan), dx_order) if dx_order else None,
        states=(SimpleNamespace(weights=weights, biases=biases, grad=grad),),
    )


def results_of(calls, site, dy, parts):
    """Make the calls in parts, in any order, and return copies of what they filled."""
    site.dy[...] = dy
    for call in (*calls.forward, *calls.backward):
        assert call.divisible
        for part in reversed(range(parts)):
            call.block[:2] = part, parts
            call()
    grad = site.states[0].grad
    filled = (site.y, grad.weights, grad.biases, site.dx)
    return [each.copy() for each in filled if each is not None]


def expected_of(kernel, site, dy):
    """Return the same by NumPy, in float64."""
    x, weights, biases = (
        each.astype(float) for each in (site.x, site.states[0].weights, site.states[0].biases)
    )
    y = x @ weights + biases
    if kernel is DenseReLUKernel:
        y, dy = np.maximum(y, 0), dy * (y > 0)
    flat = [each.reshape(-1, each.shape[-1]) for each in (x, dy)]
    results = [y, flat[0].T @ flat[1], flat[1].sum(0), dy @ weights.T]
    return results if site.dx is not None else results[:3]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["batch_first", "batch_last"])
@pytest.mark.parametrize("steps", [(), (1,), (4,)])
def test_all_sizes_and_orders_in_any_number_of_parts(kernel, dtype, order, steps):
    rng = np.random.default_rng(4)
    for inputs, units in SHAPES:
        for n, dx_order in ((1, order), (33, None), (33, order), (130, "batch_last")):
            x = in_order(rng.normal(size=(n, *steps, inputs)).astype(dtype), order)
            dy = rng.normal(size=(n, *steps, units)).astype(dtype)
            site = site_of(rng, x, dy, dx_order)
            calls = kernel().bind(site)
            results = [results_of(calls, site, dy, parts) for parts in (1, 3)]
            expected = expected_of(kernel, site, dy)
            for value, wanted in zip(results[0], expected, strict=True):
                close = 400 * np.finfo(dtype).eps * max(1, abs(wanted).max())
                np.testing.assert_allclose(value, wanted, rtol=0, atol=close)
            assert len({b"".join(each.tobytes() for each in result) for result in results}) == 1


def test_other_memory_orders_are_declined():
    rng = np.random.default_rng(6)
    x, dy = np.ones((8, 3)), np.ones((8, 5))
    site = site_of(rng, x, dy, None)
    assert DenseKernel().bind(site) is not None
    site = site_of(rng, np.ones((8, 6))[::2, ::2], np.ones((4, 5)), None)
    assert DenseKernel().bind(site) is None
    batch_first = KernelSite((), x=x, y=np.ones((8, 5)), states=site.states)
    assert DenseKernel().bind(batch_first) is None
