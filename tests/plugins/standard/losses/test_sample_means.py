"""What all losses have in common: NaN, outputs, and the memory that they take."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from declnet_plugins.standard.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    KLDivergence,
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
"""Temporary arrays that each takes for one output a sample."""

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


@pytest.mark.parametrize("loss", TEMPORARIES, ids=name)
def test_nan_in_gives_nan_out_for_one_output(loss):
    losses, dy_pred = run_loss(loss, [[np.nan], [0.5]], [0, 1])
    assert np.isnan(losses).tolist() == [True, False]
    assert np.isnan(dy_pred).tolist() == [[True], [False]]


@pytest.mark.parametrize("loss", TEMPORARIES, ids=name)
def test_predictions_without_an_axis_of_outputs_are_one_output(loss):
    rng = np.random.default_rng(2)
    y_pred, y = rng.uniform(0.1, 0.9, 6), rng.integers(0, 2, 6)
    losses, dy_pred = run_loss(loss, y_pred, y)
    column_losses, column_dy_pred = run_loss(loss, y_pred[:, None], y)
    np.testing.assert_array_equal(losses, column_losses)
    np.testing.assert_array_equal(dy_pred, column_dy_pred[:, 0])


@pytest.mark.parametrize("loss", TEMPORARIES, ids=name)
def test_an_output_twice_has_the_mean_of_both(loss):
    rng = np.random.default_rng(3)
    y_pred, y = rng.uniform(0.1, 0.9, (6, 1)), rng.integers(0, 2, (6, 1))
    losses, dy_pred = run_loss(loss, y_pred, y)
    both = run_loss(loss, np.repeat(y_pred, 2, axis=1), np.repeat(y, 2, axis=1))
    factor = 2 if loss.type == "kl_divergence" else 1
    np.testing.assert_allclose(both[0], losses * factor, rtol=1e-12)
    np.testing.assert_allclose(both[1], np.repeat(dy_pred, 2, axis=1) * factor / 2, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", TEMPORARIES, ids=name)
def test_allocates_no_more_than_it_must(loss, dtype):
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
