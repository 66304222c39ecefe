from __future__ import annotations

from math import log

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.losses import BinaryCrossentropy

LOSS = BinaryCrossentropy()


def test_is_the_mean_over_the_outputs(run_loss):
    losses, dy_pred = run_loss(LOSS, [[0.8, 0.3], [0.4, 0.5]], [[1, 0], [1, 1]])
    expected = [-(log(0.8) + log(0.7)) / 2, -(log(0.4) + log(0.5)) / 2]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    expected = [[-1 / 0.8 / 2, 1 / 0.7 / 2], [-1 / 0.4 / 2, -1 / 0.5 / 2]]
    np.testing.assert_allclose(dy_pred, expected, rtol=1e-12)


def test_predictions_of_exactly_0_and_1_are_clipped(run_loss):
    losses, dy_pred = run_loss(LOSS, [[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1])
    small, large = -log(1 - 1e-7), -log(1e-7)
    np.testing.assert_allclose(losses, [small, large, large, small], rtol=1e-8)
    slope = 1 / (1 - 1e-7)
    np.testing.assert_allclose(dy_pred[:, 0], [slope, -1e7, 1e7, -slope], rtol=1e-8)


def test_small_losses_keep_their_digits_in_float32(run_loss):
    losses, _ = run_loss(LOSS, [[1e-6], [2e-5]], [0, 0], "float32")
    np.testing.assert_allclose(losses, [1e-6, 2e-5], rtol=0.05)


def test_smoothed_targets_lie_between():
    loss = BinaryCrossentropy(label_smoothing=0.2)
    y_true = loss.prepare(np.array([0, 1]), (1,), np.dtype("float32"))
    np.testing.assert_allclose(y_true, [[0.1], [0.9]], rtol=1e-6)
    assert y_true.dtype == np.float32


def test_smoothed_losses_and_gradient(run_loss):
    losses, dy_pred = run_loss(BinaryCrossentropy(label_smoothing=0.2), [[0.9], [0.7]], [1, 1])
    expected = [-0.9 * log(p) - 0.1 * log(1 - p) for p in (0.9, 0.7)]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    # the most probable answer is the smoothed one, not certainty
    np.testing.assert_allclose(dy_pred, [[0], [-0.9 / 0.7 + 0.1 / 0.3]], atol=1e-12)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2.0])
def test_smoothing_is_a_share(smoothing):
    with pytest.raises(ValidationError, match="label_smoothing"):
        BinaryCrossentropy(label_smoothing=smoothing)


def test_smoothing_refuses_other_targets_than_0_and_1():
    with pytest.raises(ValueError, match=r"binary targets are 0 and 1, but y has 0\.5"):
        BinaryCrossentropy(label_smoothing=0.2).prepare(np.array([0.5]), (1,), np.dtype(float))
