"""group_norm and rms_norm by their definitions; layer_norm is tested with batch_norm."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers import GroupNorm

from ....plain_arrays import LayerRun

RNG = np.random.default_rng(7)
ORDERS = pytest.mark.parametrize("order", ["batch_last", "batch_first"])


def run_of(layer, x, order="batch_last"):
    orders = {"order" if layer.memory_order == "any" else "input_order": order}
    return LayerRun(layer, x.shape[1:], len(x), dtype=x.dtype.name, **orders)


def normalized(run, x):
    """y of group_norm in float64, group by group."""
    size, y = x.shape[1] // run.layer.groups, np.empty(x.shape)
    for start in range(0, x.shape[1], size):
        for sample, filled in zip(x.astype(float), y, strict=True):
            group = sample[start : start + size]
            filled[start : start + size] = (group - group.mean()) / np.sqrt(
                group.var() + run.layer.epsilon
            )
    channels = (1, -1, *(1 for _ in x.shape[2:]))
    scale, offset = (run.initial[name].reshape(channels) for name in ("scale", "offset"))
    return scale * y + offset


@ORDERS
def test_a_large_mean_costs_no_digits_of_float32(order):
    x = RNG.normal(1e4, 1, size=(20, 4, 16, 16)).astype("float32")
    run = run_of(GroupNorm(groups=4), x, order)
    assert np.abs(run.run(x)["y"] - normalized(run, x)).max() < 2e-5
    x[:, 1] = 1e4 + 0.1234  # a constant channel gives the offset
    offset = run.initial["offset"][1].astype("float32")
    np.testing.assert_array_equal(run.run(x)["y"][:, 1], np.full((20, 16, 16), offset))
