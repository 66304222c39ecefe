from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.metrics.regression import Spread


@pytest.mark.parametrize("sizes", [(50,), (1, 49), (1,) * 50, (20, 30)])
def test_is_the_same_for_any_batches(sizes):
    rows = np.random.default_rng(1).normal(loc=[0, 1e6, -3], size=(50, 3))
    spread, first = Spread(), 0
    for size in sizes:
        spread.add(rows[first : first + size])
        first += size
    assert spread.count == 50
    np.testing.assert_allclose(spread.squares, 50 * rows.var(axis=0), rtol=1e-9)


def test_equal_rows_spread_by_exactly_0():
    spread = Spread()
    for size in (1, 3, 10):
        spread.add(np.full((size, 2), 0.1))
    np.testing.assert_array_equal(spread.squares, [0, 0])


def test_keeps_no_reference_to_a_batch():
    rows = np.array([[1.0], [3.0]])
    spread = Spread()
    spread.add(rows)
    rows[...] = 7
    spread.add(np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(spread.squares, [4])
