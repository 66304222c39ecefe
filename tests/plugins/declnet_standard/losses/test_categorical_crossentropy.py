from __future__ import annotations

from math import log

import numpy as np
import pytest
from pydantic import ValidationError

from declnet_standard.losses import CategoricalCrossentropy

LOSS = CategoricalCrossentropy()
FLOAT = np.dtype(float)


def losses_of(y_pred, y):
    losses = np.full(len(y), np.nan)
    LOSS.forward(y_pred, LOSS.prepare(y, y_pred.shape[1:], FLOAT), losses)
    return losses


@pytest.mark.parametrize("form", ["sparse", "one_hot"])
def test_losses_are_golden_for_labels_and_for_one_hot_rows(golden_components, form):
    labels = golden_components["labels"]
    y = labels if form == "sparse" else np.eye(5, dtype=int)[labels]
    losses = losses_of(golden_components["softmax"], y)
    np.testing.assert_allclose(losses, golden_components[f"cross_entropy_{form}"], rtol=1e-12)


def test_gradient_is_golden(golden_components):
    y_pred = golden_components["softmax"]
    y_true = LOSS.prepare(golden_components["labels"], (5,), FLOAT)
    dy = np.full_like(y_pred, np.nan)
    LOSS.backward(y_pred, y_true, dy)
    np.testing.assert_allclose(dy / 12, golden_components["cross_entropy_gradient"], rtol=1e-12)


def test_predictions_of_exactly_0_and_1_are_clipped(golden_components):
    losses = losses_of(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1]))
    np.testing.assert_allclose(losses, golden_components["saturated"], rtol=1e-9)


def test_gradient_of_clipped_predictions_stays_finite():
    dy = np.full((1, 2), np.nan)
    LOSS.backward(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), dy)
    np.testing.assert_allclose(dy, [[-1e7, 0.0]], rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([0, 3]), "labels range from 0 to 3, but the last layer has 3 units"),
        (np.array([-1, 0]), "labels range from -1 to 0"),
        (np.array([0.0, 1.0]), "class labels are integers"),
        (np.eye(4)[:2], "one-hot with 4 classes, the last layer has 3"),
        (np.array([[0, 1, 1], [1, 0, 0]]), "not one-hot"),
        (np.array([[0, 2, 0], [1, 0, 0]]), "not one-hot"),
    ],
)
def test_targets_that_do_not_fit_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        LOSS.prepare(y, (3,), FLOAT)


def test_smoothed_rows_are_distributions():
    smooth = CategoricalCrossentropy(label_smoothing=0.3)
    for y in (np.array([0, 2]), np.eye(3, dtype=int)[[0, 2]]):
        y_true = smooth.prepare(y, (3,), np.dtype("float32"))
        np.testing.assert_allclose(y_true, [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], rtol=1e-6)
        assert y_true.dtype == np.float32


def test_smoothed_losses_count_every_class(run_loss):
    smooth = CategoricalCrossentropy(label_smoothing=0.3)
    losses, dy_pred = run_loss(smooth, [[0.7, 0.2, 0.1]], [0])
    expected = -0.8 * log(0.7) - 0.1 * log(0.2) - 0.1 * log(0.1)
    np.testing.assert_allclose(losses, [expected], rtol=1e-12)
    np.testing.assert_allclose(dy_pred, [[-0.8 / 0.7, -0.1 / 0.2, -0.1 / 0.1]], rtol=1e-12)


def test_smoothed_losses_of_certain_predictions_stay_finite(run_loss):
    losses, dy_pred = run_loss(CategoricalCrossentropy(label_smoothing=0.2), [[0.0, 1.0]], [1])
    np.testing.assert_allclose(losses, [-0.1 * log(1e-7) - 0.9 * log(1 - 1e-7)], rtol=1e-12)
    np.testing.assert_allclose(dy_pred, [[-0.1e7, -0.9 / (1 - 1e-7)]], rtol=1e-12)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_is_a_share(smoothing):
    with pytest.raises(ValidationError, match="label_smoothing"):
        CategoricalCrossentropy(label_smoothing=smoothing)
