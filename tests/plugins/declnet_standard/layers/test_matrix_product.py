"""Products of matrices, thin ones too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_standard.layers.dense import FEW, SMALL, matrix_product


def matrix(rng, shape, order):
    return np.asarray(rng.normal(size=shape), order=order)


@pytest.mark.parametrize("orders", ["CCC", "CCF", "FCF", "FFF", "CFC", "FCC"])
@pytest.mark.parametrize(
    "shape", [(3, 5000, 7), (5000, 7, 2), (500, 1, 40), (2, 4100, 3), (6, 6, 6)]
)
def test_the_product_is_numpys_in_every_memory_order(shape, orders):
    rng = np.random.default_rng(0)
    rows, inner, columns = shape
    a, b = matrix(rng, (rows, inner), orders[0]), matrix(rng, (inner, columns), orders[1])
    out = np.full((rows, columns), np.nan, order=orders[2])
    matrix_product(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-12, atol=1e-12)


@given(
    rows=st.integers(1, FEW + 2),
    inner=st.integers(1, SMALL // 2),
    columns=st.integers(1, FEW + 2),
    transposed=st.booleans(),
)
def test_every_thin_shape_gives_the_product(rows, inner, columns, transposed):
    rng = np.random.default_rng(rows * inner + columns)
    a, b = rng.normal(size=(inner, rows)).T, rng.normal(size=(inner, columns))
    if transposed:
        out = np.full((columns, rows), np.nan)
        matrix_product(b.T, a.T, out)
        np.testing.assert_allclose(out.T, a @ b, rtol=1e-10, atol=1e-10)
    else:
        out = np.full((rows, columns), np.nan)
        matrix_product(a, b, out)
        np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-10)
