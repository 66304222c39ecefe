from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.layers import Softmax


def test_forward_gives_the_golden_output(golden_components, state_of):
    logits = golden_components["logits"]
    y = np.full_like(logits, np.nan)
    Softmax().forward(logits, y, state_of(Softmax(), (5,), 12))
    np.testing.assert_allclose(y, golden_components["softmax"], rtol=1e-12)


def test_backward_is_the_product_with_the_jacobian(golden_components, state_of):
    y = golden_components["softmax"]
    dy = golden_components["dense_dy"]
    dx = np.full_like(y, np.nan)
    Softmax().backward(None, y, dy, dx, state_of(Softmax(), (5,), 12))
    jacobians = [np.diag(row) - np.outer(row, row) for row in y]
    expected = [jacobian @ row for jacobian, row in zip(jacobians, dy, strict=True)]
    np.testing.assert_allclose(dx, expected, rtol=1e-12, atol=1e-15)


def test_golden_gradient_follows_through_the_loss_apart(golden_components, state_of):
    y = golden_components["softmax"]
    dx = np.full_like(y, np.nan)
    dy = golden_components["cross_entropy_gradient"]
    Softmax().backward(None, y, dy, dx, state_of(Softmax(), (5,), 12))
    np.testing.assert_allclose(
        dx, golden_components["softmax_cross_entropy_gradient"], rtol=1e-7, atol=1e-12
    )


def test_large_logits_do_not_overflow(state_of):
    logits = np.array([[1000.0, 1000.0, -1000.0]])
    y = np.full_like(logits, np.nan)
    Softmax().forward(logits, y, state_of(Softmax(), (3,), 1))
    assert y.tolist() == [[0.5, 0.5, 0.0]]


def test_takes_one_axis_of_classes_only():
    with pytest.raises(ValueError, match="one axis"):
        Softmax().output_shape((4, 4))
