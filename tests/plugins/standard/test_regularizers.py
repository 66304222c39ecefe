"""All three regularizers against the golden dense layer, on weights and biases apart."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.regularizers import L1, L1L2, L2

PARTS = {"weights": (1e-4, 5e-4), "biases": (2e-4, 3e-4)}


def regularizers_of(part, form):
    l1, l2 = PARTS[part]
    return [L1L2(l1=l1, l2=l2)] if form == "joint" else [L1(strength=l1), L2(strength=l2)]


@pytest.mark.parametrize("form", ["joint", "apart"])
@pytest.mark.parametrize("part", PARTS)
def test_gradient_added_to_that_of_the_data_is_golden(golden_components, part, form):
    x, dy = golden_components["dense_x"], golden_components["dense_dy"]
    w = golden_components[f"dense_{part}"]
    dw = x.T @ dy if part == "weights" else dy.sum(axis=0, keepdims=True)
    assert (w == 0).sum() == 1  # where the sign of L1's gradient is a matter of convention
    for regularizer in regularizers_of(part, form):
        regularizer.add_gradient(w, dw)
    expected = golden_components[f"dense_d{part}_with_regularizers"]
    np.testing.assert_allclose(dw, expected, rtol=1e-12)


@pytest.mark.parametrize("form", ["joint", "apart"])
def test_penalties_sum_to_the_golden_regularization_loss(golden_components, form):
    total = sum(
        regularizer.penalty(golden_components[f"dense_{part}"])
        for part in PARTS
        for regularizer in regularizers_of(part, form)
    )
    np.testing.assert_allclose(total, golden_components["regularization_loss"], rtol=1e-12)
