"""Compiled losses of values equal the components, in any number of parts."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite
from declnet_plugins.kernels.regression import (
    HuberKernel,
    MeanAbsoluteErrorKernel,
    MeanSquaredErrorKernel,
)

pytestmark = pytest.mark.usefixtures("numba")

KERNELS = (HuberKernel, MeanAbsoluteErrorKernel, MeanSquaredErrorKernel)


def batch_last(array):
    """Return a copy with the batch axis last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("kernel", KERNELS)
def test_losses_and_gradients_in_parts(kernel, shape, dtype):
    rng, n, (loss,) = np.random.default_rng(1), 1031, kernel.replaces
    loss = loss()
    y, y_true = (batch_last(rng.normal(size=(n, *shape)).astype(dtype)) for _ in range(2))
    y[:40] = y_true[:40]
    weights, right, slopes = (
        rng.uniform(size=n).astype(dtype),
        np.empty(n, dtype),
        y.copy(order="K"),
    )
    loss.forward(y, y_true, right)
    loss.backward(y, y_true, slopes)
    slopes *= weights.reshape(-1, *[1] * len(shape))
    results = []
    for parts in (1, 2, 3, 7):
        losses, dy = np.full(n, np.nan, dtype), batch_last(np.full_like(y, np.nan))
        site = KernelSite(
            (loss,), y=y, y_true=y_true, losses=losses, dx=dy, normalized_weights=weights
        )
        (call,) = kernel().bind(site).forward
        for part in reversed(range(parts)):
            call.block[:2] = part, parts
            call()
        results.append((losses.tobytes(), dy.tobytes()))
    assert len(set(results)) == 1
    close = {"rtol": 1e-5 if dtype == "float32" else 1e-13, "atol": 1e-12}
    np.testing.assert_allclose(losses, right, **close)
    np.testing.assert_allclose(dy, slopes, **close)


def test_a_spec_with_a_compiled_loss_trains_as_without(spiral, tmp_path):
    from declnet import parse_spec, run

    x = np.random.default_rng(5).normal(size=(60, 4))
    document = {
        "declnet": 1,
        "model": {"dtype": "float64", "layers": [{"type": "dense", "units": 2}]},
        "loss": {"type": "huber", "delta": 0.7},
        "optimizer": "nadam",
        "training": {"epochs": 5, "batch_size": 16, "metrics": []},
    }
    jit, numpy = (
        run(parse_spec({**document, "engine": {"kernels": each}}), data=(x, x[:, :2] ** 2))
        for each in ("jit", "numpy")
    )
    for row, expected in zip(jit.history, numpy.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-12)
