"""Orthogonal matrices: their rows or columns, and that none is likelier than another."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.initializers import Orthogonal


def drawn(shape, seed=0, dtype="float64", gain=1.0):
    w = np.full(shape, np.nan, dtype)
    Orthogonal(gain=gain).fill(w, np.random.default_rng(seed), shape[0], shape[-1])
    return w


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0])
@pytest.mark.parametrize(
    "shape", [(6, 6), (4, 9), (9, 4), (1, 5), (5, 1), (3, 2, 5), (20, 2, 3, 3)]
)
def test_rows_or_columns_are_orthogonal_and_as_long_as_gain(shape, gain):
    flat = drawn(shape, gain=gain).reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-13)


def test_float32_parameters_are_orthogonal_to_their_precision():
    w = drawn((7, 7), dtype="float32")
    np.testing.assert_allclose(w @ w.T, np.eye(7), atol=1e-6)


def test_a_matrix_of_one_element_is_either_sign_of_gain():
    assert {drawn((1, 1), seed, gain=2.0).item() for seed in range(20)} == {-2.0, 2.0}


def test_no_direction_is_preferred():
    """Without the signs of R's diagonal, Q's would lean to one side."""
    matrices = np.array([drawn((4, 4), seed) for seed in range(2000)])
    np.testing.assert_allclose(matrices.mean(axis=0), 0, atol=5 * 0.5 / np.sqrt(2000))
    np.testing.assert_allclose((matrices**2).mean(axis=0), 1 / 4, atol=0.03)
    assert np.mean(np.linalg.det(matrices) > 0) == pytest.approx(0.5, abs=0.06)


def test_a_parameter_of_one_axis_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 axes, not shape \(5,\)"):
        drawn((5,))
