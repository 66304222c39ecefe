from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.losses import Hinge


def test_0_and_1_become_signs():
    y_true = Hinge().prepare(np.array([0, 1]), (1,), np.dtype("float32"))
    assert (y_true.tolist(), y_true.dtype) == ([[-1], [1]], np.float32)


def test_signs_are_refused():
    with pytest.raises(ValueError, match="binary targets are 0 and 1, but y has -1"):
        Hinge().prepare(np.array([-1, 1]), (1,), np.dtype(float))


def test_is_what_the_score_lacks_of_the_margin(run_loss):
    losses, dy_pred = run_loss(Hinge(), [[0.25], [2.0], [0.25], [-3.0]], [1, 1, 0, 0])
    np.testing.assert_array_equal(losses, [0.75, 0, 1.25, 0])
    np.testing.assert_array_equal(dy_pred, [[-1], [0], [1], [0]])


def test_gradient_at_the_kink_is_0(run_loss):
    losses, dy_pred = run_loss(Hinge(), [[1.0], [-1.0]], [1, 0])
    np.testing.assert_array_equal(losses, [0, 0])
    np.testing.assert_array_equal(dy_pred, [[0], [0]])


def test_is_the_mean_over_the_outputs(run_loss):
    losses, dy_pred = run_loss(Hinge(), [[0.0, 0.0, 5.0, -1.0]], [[1, 0, 1, 1]])
    np.testing.assert_array_equal(losses, [(1 + 1 + 0 + 2) / 4])
    np.testing.assert_array_equal(dy_pred, [[-0.25, 0.25, 0, -0.25]])
