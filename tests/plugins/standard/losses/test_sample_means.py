"""Properties that all losses share: results for NaN, and memory use."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet_plugins.standard.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    KLDivergence,
)
from declnet_plugins.standard.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
)

from ....plain_arrays import run_loss

TEMPORARIES = {
    BinaryCrossentropy(): 1,
    BinaryCrossentropy(label_smoothing=0.1): 1,
    Hinge(): 0,
    Huber(): 1,
    KLDivergence(): 0,
    LogCosh(): 1,
    MeanAbsoluteError(): 0,
    MeanSquaredError(): 0,
}
"""Temporary arrays that each loss allocates for one output per sample."""

LOSSES = (*TEMPORARIES, CategoricalCrossentropy(), CategoricalCrossentropy(label_smoothing=0.1))


def name(value):
    return getattr(value, "type", None)


@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_nan_in_gives_nan_out(loss):
    y_pred = np.full((3, 2), 0.5)
    y_pred[1, 1] = np.nan
    y = [1, 1, 1] if loss.targets == "classes" else np.ones((3, 2))
    losses, dy_pred = run_loss(loss, y_pred, y)
    assert np.isnan(losses).tolist() == [False, True, False]
    assert np.isnan(dy_pred).tolist() == [[False, False], [False, True], [False, False]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", TEMPORARIES, ids=name)
def test_losses_allocate_no_more_than_they_need(loss, dtype):
    n = 20_000
    y_pred = np.random.default_rng(4).uniform(0.1, 0.9, (n, 1)).astype(dtype)
    y_true = loss.prepare(np.ones(n), (1,), np.dtype(dtype))
    losses, dy_pred = np.empty(n, dtype), np.empty_like(y_pred)
    tracemalloc.start()
    try:
        loss.forward(y_pred, y_true, losses)
        loss.backward(y_pred, y_true, dy_pred)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < TEMPORARIES[loss] * y_pred.nbytes + 10_000
