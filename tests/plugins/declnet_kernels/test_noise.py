"""Compiled dropout and noise draw NumPy's numbers and leave its generator in the same state."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState
from declnet.graph.schedules import ScheduledValues
from declnet_kernels.noise import DropoutKernel, GaussianNoiseKernel

pytestmark = pytest.mark.usefixtures("numba")

CASES = {
    "dropout": (DropoutKernel, {"rate": 0.3}, "mask"),
    "gaussian_noise": (GaussianNoiseKernel, {"std": 0.3}, "noise"),
}


def in_order(shape, dtype, last):
    """Return an array (n, *shape) with the batch axis last or first in memory."""
    array = np.empty((*shape[1:], shape[0]), dtype)
    return np.moveaxis(array, -1, 0) if last else np.empty(shape, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("last", [True, False], ids=["batch last", "batch first"])
@pytest.mark.parametrize("other", [False, True], ids=["", "x in the other order"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_and_generator_are_those_of_numpy(case, other, last, dtype):
    (kernel, fields, workspace), results = CASES[case], []
    layer, shape = kernel.replaces[0](**fields), (97, 5, 3)
    for compiled in (True, False):
        now = ScheduledValues(1).of(layer)
        state = LayerState(np.random.Generator(np.random.PCG64(4)), training=True, now=now)
        setattr(state, workspace, in_order((97, 15), dtype, last))
        y, dy, dx = (in_order(shape, dtype, last) for _ in range(3))
        x = in_order(shape, dtype, last != other)
        x[...], dy[...] = np.random.default_rng(2).normal(size=(2, *shape))
        x[3, 2, 1], dy[3, 1, 1] = np.nan, np.inf
        state.rng.random(dtype=np.float32)  # half of 64 bits are left
        site = KernelSite((layer,), x=x, y=y, dy=dy, dx=dx, states=(state,))
        calls = kernel().bind(site) if compiled else None
        for _ in range(3):
            if calls is not None:
                for call in (*calls.forward, *calls.backward):
                    call()
            else:
                layer.forward(x, y, state)
                layer.backward(None, None, dy, dx, state)
            results.append((y.tobytes(), dx.tobytes(), state.rng.bit_generator.state))
    assert results[:3] == results[3:]
    assert results[0] != results[1]
