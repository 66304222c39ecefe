from __future__ import annotations

import numpy as np

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
