from __future__ import annotations

import numpy as np
import pytest

from declnet_layers import ReLU, Softmax
from declnet_losses import CategoricalCrossentropy, SoftmaxCategoricalCrossentropy

FUSION = SoftmaxCategoricalCrossentropy(layer=Softmax(), loss=CategoricalCrossentropy())


def test_joins_softmax_and_cross_entropy_alone():
    loss = CategoricalCrossentropy()
    assert SoftmaxCategoricalCrossentropy.joins(Softmax(), loss)
    assert not SoftmaxCategoricalCrossentropy.joins(ReLU(), loss)


def test_forward_gives_the_golden_predictions_and_losses(golden_components):
    logits, y_true = golden_components["logits"], np.eye(5)[golden_components["labels"]]
    y, losses = np.full_like(logits, np.nan), np.full(12, np.nan)
    FUSION.forward(logits, y_true, y, losses)
    np.testing.assert_allclose(y, golden_components["softmax"], rtol=1e-12)
    np.testing.assert_allclose(losses, golden_components["cross_entropy_sparse"], rtol=1e-12)


def test_gradient_is_golden(golden_components):
    y, y_true = golden_components["softmax"], np.eye(5)[golden_components["labels"]]
    dx = np.full_like(y, np.nan)
    FUSION.backward(golden_components["logits"], y, y_true, dx)
    expected = golden_components["softmax_cross_entropy_gradient"]
    np.testing.assert_allclose(dx / 12, expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [1, 30, 1e4])
def test_smoothed_losses_are_those_of_layer_and_loss(scale, run_fusion, run_loss):
    loss = CategoricalCrossentropy(label_smoothing=0.1)
    fusion = SoftmaxCategoricalCrossentropy(layer=Softmax(), loss=loss)
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(scale=scale, size=(20, 4)), rng.integers(0, 4, 20)
    y_pred, losses, dx = run_fusion(fusion, logits, labels)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(y_pred.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(y_pred, exponentials / exponentials.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(losses, run_loss(loss, y_pred, labels)[0], rtol=1e-12)
    np.testing.assert_allclose(dx, y_pred - loss.prepare(labels, (4,), np.dtype(float)))
