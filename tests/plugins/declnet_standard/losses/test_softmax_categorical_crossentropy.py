from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.layers import Softmax
from declnet_standard.losses import CategoricalCrossentropy, SoftmaxCategoricalCrossentropy

KERNEL, SOFTMAX = SoftmaxCategoricalCrossentropy(), Softmax()


def test_predictions_losses_and_gradient_are_golden(golden_components, run_joined):
    logits, labels = golden_components["logits"], golden_components["labels"]
    y, losses, dx = run_joined(KERNEL, SOFTMAX, CategoricalCrossentropy(), logits, labels)
    np.testing.assert_allclose(y, golden_components["softmax"], rtol=1e-12)
    np.testing.assert_allclose(losses, golden_components["cross_entropy_sparse"], rtol=1e-12)
    expected = golden_components["softmax_cross_entropy_gradient"]
    np.testing.assert_allclose(dx / 12, expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("scale", [1, 30, 1e4])
def test_smoothed_losses_are_those_of_layer_and_loss(scale, run_joined, run_loss):
    loss = CategoricalCrossentropy(label_smoothing=0.1)
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(scale=scale, size=(20, 4)), rng.integers(0, 4, 20)
    y_pred, losses, dx = run_joined(KERNEL, SOFTMAX, loss, logits, labels)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(y_pred.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(y_pred, exponentials / exponentials.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(losses, run_loss(loss, y_pred, labels)[0], rtol=1e-12)
    expected = y_pred - loss.prepare(labels, (4,), np.dtype(float))
    np.testing.assert_allclose(dx, expected, atol=1e-15)
