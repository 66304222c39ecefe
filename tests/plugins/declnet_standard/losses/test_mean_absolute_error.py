from __future__ import annotations

import numpy as np

from declnet_standard.losses import MeanAbsoluteError


def test_is_the_mean_over_the_outputs(run_loss):
    losses, _ = run_loss(MeanAbsoluteError(), [[1.0, 4.0], [0.5, 0.0]], [[0, 1], [0.5, 2]])
    np.testing.assert_allclose(losses, [2, 1])


def test_gradient_is_a_sign_and_0_where_predictions_are_right(run_loss):
    _, dy_pred = run_loss(MeanAbsoluteError(), [[1.0, 4.0], [0.5, 0.0]], [[0, 1], [0.5, 2]])
    np.testing.assert_array_equal(dy_pred, [[0.5, 0.5], [0, -0.5]])
