"""Compiled optimizers and regularizers give the components' bits, in any number of parts."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, Optimizer, OptimizerState
from declnet.graph.schedules import ScheduledValues
from declnet_plugins.kernels import optimizers, regularizers

pytestmark = pytest.mark.usefixtures("numba")

DTYPES = ("float32", "float64")

OPTIMIZERS = [
    (kernel, example)
    for kernel in vars(optimizers).values()
    if getattr(kernel, "replaces", ()) and "type" in vars(kernel)
    for example in kernel.replaces[0].examples
]

REGULARIZERS = (
    (regularizers.L1Kernel, {"strength": 0.3}),
    (regularizers.L2Kernel, {"strength": 0.3}),
    (regularizers.L1L2Kernel, {"l1": 0.3, "l2": 0.2}),
)

SIZE = 1009


def numbers(rng, dtype):
    """Draw numbers of many magnitudes, some of them special."""
    drawn = rng.normal(size=SIZE) * 10.0 ** rng.integers(-30, 10, SIZE)
    drawn[:7] = [0, -0.0, np.nan, np.inf, -np.inf, 1e-42, -1e-42]
    return drawn.astype(dtype)


def bits(array):
    """Return the bytes of an array in which all NaN are alike."""
    return np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "example"), OPTIMIZERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_updates_have_the_same_bits(kernel, example, dtype):
    table = {"type": kernel.replaces[0].type, **example}
    optimizer, rng = Optimizer.from_declaration(table), np.random.default_rng(1)
    w, names = numbers(rng, dtype), optimizer.state_names()
    plain, compiled = ([np.zeros_like(w) for _ in names] for _ in range(2))
    for start in (plain[0], compiled[0]) if "momentum" in names else ():
        start[...] = np.copysign(start, w)  # zeros of both signs
    schedules = ScheduledValues(900)
    now = schedules.of(optimizer)
    state = OptimizerState((np.empty_like(w), np.empty_like(w)), now)
    site_state = OptimizerState(state.scratch, now)
    for name, one, other in zip(names, plain, compiled, strict=True):
        setattr(state, name, one)
        setattr(site_state, name, other)
    v, dv, rate, step = w.copy(), np.empty_like(w), np.zeros(1), np.zeros(1, np.int64)
    site = KernelSite((optimizer,), w=v, dw=dv, state=site_state, rate=rate, step=step)
    (call,) = kernel().bind(site).update
    assert call.divisible
    for number in (1, 2, 3, 700, 70000):
        dw = numbers(rng, dtype)
        dw[7:100] = 0
        dv[...], rate[0], step[0] = dw, 0.1 / number, number
        schedules.begin(number)
        optimizer.update(w, dw, state, 0.1 / number, number)
        for part in reversed(range(number)) if number < 4 else (0,):
            call.block[:2] = part, number if number < 4 else 1
            call()
        assert [*map(bits, (v, *compiled))] == [*map(bits, (w, *plain))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kernel", "example"), REGULARIZERS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_penalties_have_gradients_of_the_same_bits(kernel, example, dtype):
    rng, regularizer = np.random.default_rng(1), kernel.replaces[0](**example)
    w, dw = numbers(rng, dtype), numbers(rng, dtype)
    added = dw.copy()
    for call in kernel().bind(KernelSite((regularizer,), w=w, dw=added)).backward:
        call()
    regularizer.add_gradient(w, dw)
    assert bits(added) == bits(dw)
