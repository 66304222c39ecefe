from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet_plugins.standard.layers.products import FEW, SMALL, matrix_product


@pytest.mark.parametrize("orders", ["CCC", "CCF", "FCF", "FFF", "CFC", "FCC"])
@given(
    rows=st.integers(1, FEW + 2), inner=st.integers(1, SMALL // 2), columns=st.integers(1, FEW + 2)
)
@example(3, 5000, 7)
@example(5000, 7, 2)
@example(500, 1, 40)
@example(2, 4100, 3)
@example(6, 6, 6)
def test_products_match_numpy_in_every_memory_order(orders, rows, inner, columns):
    rng = np.random.default_rng(rows * inner + columns)
    a = np.asarray(rng.normal(size=(rows, inner)), order=orders[0])
    b = np.asarray(rng.normal(size=(inner, columns)), order=orders[1])
    out = np.full((rows, columns), np.nan, order=orders[2])
    matrix_product(a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-10)
