"""Compiled batch_norm of large numbers; the conformance kit compares the kernels at random."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState
from declnet_plugins.kernels.normalization import BatchNormKernel
from declnet_plugins.standard.layers.normalization import BatchNorm

pytestmark = pytest.mark.usefixtures("numba")


def test_a_constant_channel_is_normalized_to_its_offset_exactly():
    layer, n = BatchNorm(), 50
    rng, state = np.random.default_rng(6), LayerState(np.random.default_rng(), training=True)
    for name, parameter in layer.parameters((3,)).items():
        setattr(state, name, rng.normal(1, 0.3, parameter.shape).astype("float32"))
        setattr(state.grad, name, np.empty(parameter.shape, "float32"))
    for name, array in layer.workspace((3,)).items():
        shape = (*array.shape, n) if array.per_sample else array.shape
        setattr(state, name, np.moveaxis(np.full(shape, np.nan, "float32"), -1, 0))
    y = rng.normal(30, 2, (3, n)).astype("float32").T
    y[:, 1] = 1e6 / 3
    dy = np.empty_like(y)
    site = KernelSite((layer,), x=y, y=y, dy=dy, dx=dy, states=(state,))
    for call in BatchNormKernel().bind(site).forward:
        call()
    assert (y[:, 1] == state.offset[1]).all()
    assert abs(y[:, 0].mean() - state.offset[0]) < 1e-5
