"""Compiled dropout and noise draw NumPy's numbers and leave its generator in the same state."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState
from declnet.graph.schedules import ScheduledValues
from declnet_plugins.kernels.noise import DropoutKernel, GaussianNoiseKernel
from declnet_plugins.standard.layers.dropout import Dropout

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 17, 511, 512, 1501])
def test_parts_continue_each_other(size, dtype):
    """In any order, whether or not half a word is left from the draw before."""
    layer = Dropout(rate=0.3)
    now = ScheduledValues(1).of(layer)
    for parts in (1, 2, 5):
        mine, other = (
            LayerState(np.random.Generator(np.random.PCG64(4)), True, now) for _ in range(2)
        )
        x, y, z = np.ones((size, 1), dtype), np.empty((size, 1), dtype), np.empty((size, 1), dtype)
        mine.mask, other.mask = np.empty((2, size, 1), dtype)
        site = KernelSite((layer,), x=x, y=y, states=(mine,))
        drop, leave_behind = DropoutKernel().bind(site).forward
        assert drop.divisible
        for _ in range(4):
            for state in (mine, other):
                state.rng.random(dtype=np.float32)
            for part in reversed(range(parts)):
                drop.block[:2] = part, parts
                drop()
            leave_behind()
            layer.forward(x, z, other)
            assert (y == z).all()
            assert (mine.mask == other.mask).all()
            assert mine.rng.bit_generator.state == other.rng.bit_generator.state


def test_other_generators_are_left_to_the_layer():
    layer, x = Dropout(rate=0.3), np.ones((5, 1))
    state = LayerState(
        np.random.Generator(np.random.MT19937(1)), True, ScheduledValues(1).of(layer)
    )
    state.mask = np.empty_like(x)
    assert DropoutKernel().bind(KernelSite((layer,), x=x, y=x.copy(), states=(state,))) is None
