from __future__ import annotations

import numpy as np

from declnet_standard.losses import MeanSquaredError


def test_is_the_mean_over_the_outputs_and_not_halved(run_loss):
    losses, dy_pred = run_loss(MeanSquaredError(), [[1.0, 4.0], [0.5, 0.0]], [[0, 1], [0.5, 2]])
    np.testing.assert_allclose(losses, [(1 + 9) / 2, 4 / 2])
    np.testing.assert_allclose(dy_pred, [[1, 3], [0, -2]])


def test_more_axes_are_outputs_too(run_loss):
    losses, dy_pred = run_loss(MeanSquaredError(), np.ones((1, 2, 3)), np.zeros((1, 2, 3)))
    np.testing.assert_allclose(losses, [1])
    np.testing.assert_allclose(dy_pred, np.full((1, 2, 3), 1 / 3))
