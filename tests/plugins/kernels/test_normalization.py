"""Compiled normalizations: the components' results, in both memory orders and in any parts."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from declnet import KernelSite, LayerState
from declnet_plugins.kernels.normalization import (
    BatchNormKernel,
    GroupNormKernel,
    LayerNormKernel,
    RMSNormKernel,
)
from declnet_plugins.standard.layers import BatchNorm, GroupNorm, LayerNorm, RMSNorm

pytestmark = pytest.mark.usefixtures("numba")

CASES = {
    "batch_norm": (BatchNormKernel, BatchNorm(momentum=0.8), (5, 3, 2)),
    "group_norm": (GroupNormKernel, GroupNorm(groups=2), (6, 3, 2)),
    "layer_norm": (LayerNormKernel, LayerNorm(), (37,)),
    "layer_norm of steps": (LayerNormKernel, LayerNorm(axes=1), (3, 4, 19)),
    "rms_norm": (RMSNormKernel, RMSNorm(axes=2), (3, 4, 5)),
}


def in_order(array, order):
    """Return a copy with the batch axis first or last in memory."""
    if order == "batch_first":
        return np.ascontiguousarray(array)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)


def site_of(layer, shape, n, dtype, order):
    """Return a site with random arrays whose mean is large, computed in place."""
    rng, state = np.random.default_rng(6), LayerState(np.random.default_rng(), training=True)
    for name, each in layer.parameters(shape).items():
        setattr(state, name, rng.normal(1, 0.3, each.shape).astype(dtype))
        if each.trainable:
            setattr(state.grad, name, np.full(each.shape, np.nan, dtype))
    for name, each in layer.workspace(shape).items():
        empty = np.full((n, *each.shape), np.nan, dtype)
        setattr(state, name, in_order(empty, order) if each.per_sample else empty[0].copy())
    y, dx = (in_order(rng.normal(mean, 2, (n, *shape)).astype(dtype), order) for mean in (30, 0.5))
    return KernelSite((layer,), x=y, y=y, dy=dx, dx=dx, states=(state,))


def filled(site, forward, backward):
    """Return everything that two calls fill."""
    forward()
    y = site.y.copy()
    backward()
    return [y, site.dx, *(value for value in vars(site.states[0].grad).values())] + [
        getattr(site.states[0], name)
        for name in ("running_mean", "running_variance")
        if hasattr(site.states[0], name)
    ]


def run_in(calls, parts):
    for call in calls:
        for part in reversed(range(parts)):
            call.block[:2] = part, parts
            call()


@pytest.mark.parametrize("order", ["batch_last", "batch_first"])
@pytest.mark.parametrize("case", CASES)
def test_the_component_is_computed_in_any_number_of_parts(case, order):
    kernel, layer, shape = CASES[case]
    dtype = "float64" if case == "rms_norm" else "float32"
    for n in (1, 261):
        results = []
        for parts in (1, 2, 5):
            site = site_of(layer, shape, n, dtype, order)
            bound = kernel().bind(site)
            if bound is None:
                assert (order, layer.memory_order) == ("batch_first", "batch_last")
                return
            calls = (partial(run_in, each, parts) for each in (bound.forward, bound.backward))
            results.append(filled(site, *calls))
        for each in results[1:]:
            assert [one.tobytes() for one in each] == [one.tobytes() for one in results[0]]
        site = site_of(layer, shape, n, dtype, order)
        right = filled(
            site,
            lambda site=site: layer.forward(site.x, site.y, site.states[0]),
            lambda site=site: layer.backward(None, None, site.dy, site.dx, site.states[0]),
        )
        for one, other in zip(results[0], right, strict=True):
            tolerance = 1e-5 if dtype == "float32" else 1e-12
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


def test_a_constant_channel_is_normalized_to_its_offset_exactly():
    site = site_of(BatchNorm(), (3,), 50, "float32", "batch_last")
    site.x[:, 1] = 1e6 / 3
    state = site.states[0]
    for call in BatchNormKernel().bind(site).forward:
        call()
    assert (site.y[:, 1] == state.offset[1]).all()
