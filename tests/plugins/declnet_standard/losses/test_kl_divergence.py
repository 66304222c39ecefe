from __future__ import annotations

from math import log

import numpy as np
import pytest

from declnet_standard.losses import KLDivergence

LOSS = KLDivergence()


def test_is_the_sum_over_the_outputs(run_loss):
    losses, dy_pred = run_loss(LOSS, [[0.25, 0.75]], [[0.5, 0.5]])
    np.testing.assert_allclose(losses, [0.5 * log(2) + 0.5 * log(2 / 3)], rtol=1e-12)
    np.testing.assert_allclose(dy_pred, [[-2, -2 / 3]], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_0_log_0_is_0(dtype, run_loss):
    losses, dy_pred = run_loss(LOSS, [[0.2, 0.8, 0.0]], [[0, 1, 0]], dtype)
    np.testing.assert_allclose(losses, [-log(0.8)], rtol=1e-6)
    np.testing.assert_allclose(dy_pred, [[0, -1 / 0.8, 0]], rtol=1e-6)


def test_equal_distributions_diverge_by_nothing(run_loss):
    losses, _ = run_loss(LOSS, [[0.2, 0.8], [1.0, 0.0]], [[0.2, 0.8], [1.0, 0.0]])
    np.testing.assert_array_equal(losses, [0, 0])


def test_predictions_of_0_are_clipped(run_loss):
    losses, dy_pred = run_loss(LOSS, [[0.0, 1.0]], [[1, 0]])
    np.testing.assert_allclose(losses, [-log(1e-7)], rtol=1e-12)
    np.testing.assert_allclose(dy_pred, [[-1e7, 0]], rtol=1e-12)


def test_several_distributions_of_a_sample_are_summed(run_loss):
    y_pred = np.array([[[0.25, 0.75], [0.5, 0.5]]])
    losses, _ = run_loss(LOSS, y_pred, [[[1, 0], [0, 1]]])
    np.testing.assert_allclose(losses, [log(4) + log(2)], rtol=1e-12)


def test_negative_probabilities_are_refused():
    with pytest.raises(ValueError, match=r"kl_divergence needs probabilities, but y has -0\.5"):
        LOSS.prepare(np.array([[1.5, -0.5]]), (2,), np.dtype(float))
