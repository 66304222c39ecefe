from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.losses import Huber


def test_is_quadratic_up_to_delta_and_linear_beyond(run_loss):
    errors = np.array([[0.0], [0.5], [-1.0], [2.0], [-3.0], [1e4]])
    losses, dy_pred = run_loss(Huber(), errors, np.zeros(6))
    np.testing.assert_allclose(losses, [0, 0.125, 0.5, 1.5, 2.5, 9999.5], rtol=1e-12)
    np.testing.assert_array_equal(dy_pred[:, 0], [0, 0.5, -1, 1, -1, 1])


def test_delta_moves_the_joint(run_loss):
    losses, dy_pred = run_loss(Huber(delta=2.0), [[2.0], [5.0]], [0, 0])
    np.testing.assert_allclose(losses, [2, 2 * (5 - 1)], rtol=1e-12)
    np.testing.assert_array_equal(dy_pred, [[2], [2]])


def test_is_the_mean_over_the_outputs(run_loss):
    losses, dy_pred = run_loss(Huber(), [[0.5, 3.0]], [[0, 0]])
    np.testing.assert_allclose(losses, [(0.125 + 2.5) / 2], rtol=1e-12)
    np.testing.assert_array_equal(dy_pred, [[0.25, 0.5]])


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_delta_is_positive(delta):
    with pytest.raises(ValidationError, match="delta"):
        Huber(delta=delta)
