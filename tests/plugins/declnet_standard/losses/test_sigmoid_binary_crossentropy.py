from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet_standard.layers import Sigmoid
from declnet_standard.losses import BinaryCrossentropy, SigmoidBinaryCrossentropy

KERNEL, SIGMOID = SigmoidBinaryCrossentropy(), Sigmoid()


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("outputs", [1, 3])
def test_losses_are_those_of_layer_and_loss(smoothing, outputs, run_joined, run_loss):
    rng = np.random.default_rng(1)
    x, y = rng.normal(scale=8, size=(50, outputs)), rng.integers(0, 2, (50, outputs))
    loss = BinaryCrossentropy(label_smoothing=smoothing)
    y_pred, losses, dx = run_joined(KERNEL, SIGMOID, loss, x, y)
    sigmoid = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(y_pred, sigmoid, rtol=1e-12)
    apart, dy_pred = run_loss(loss, sigmoid, y)
    np.testing.assert_allclose(losses, apart, rtol=1e-7)
    inside = np.abs(x) < 16  # beyond, the loss clips
    chained = (dy_pred * sigmoid * (1 - sigmoid))[inside]
    np.testing.assert_allclose(dx[inside], chained, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_saturated_logits_are_clipped_as_probabilities_are(dtype, run_joined):
    x = [[1e4], [1e4], [-1e4], [-1e4]]
    with np.errstate(all="raise", under="ignore"):
        y_pred, losses, dx = run_joined(
            KERNEL, SIGMOID, BinaryCrossentropy(), x, [1, 0, 1, 0], dtype
        )
    np.testing.assert_allclose(y_pred[:, 0], [1, 1, 0, 0], atol=1e-30)
    large = -log(1e-7)
    np.testing.assert_allclose(losses, [1e-7, large, large, 1e-7], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dx[:, 0], [0, 1, -1, 0], atol=1e-30)


def test_float32_keeps_digits_that_layer_and_loss_lose(run_joined, run_loss):
    x, loss = np.array([[14.5]]), BinaryCrossentropy()
    _, losses, _ = run_joined(KERNEL, SIGMOID, loss, x, [0], "float32")
    np.testing.assert_allclose(losses, np.log1p(np.exp(x[0])), rtol=1e-6)
    sigmoid = np.float32(1) / (1 + np.exp(-x.astype(np.float32)))
    apart, _ = run_loss(loss, sigmoid, [0], "float32")
    assert abs(apart[0] - losses[0]) > 1e-3


def test_nan_in_gives_nan_out(run_joined):
    for found in run_joined(KERNEL, SIGMOID, BinaryCrossentropy(), [[np.nan], [0.0]], [0, 1]):
        assert np.isnan(found).reshape(-1).tolist() == [True, False]
