"""Arrays as they are in memory, whatever the place of the batch axis."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.kernels.memory_orders import (
    batch_last,
    flat_for_elementwise,
    flat_in_memory,
    rows_of_features,
)

pytestmark = pytest.mark.usefixtures("numba")
N = 5


def array(order, shape=(3, 4), dtype="f4", start=0):
    whole = np.arange(start, start + N * 12, dtype=dtype)
    if order == "last":
        return np.moveaxis(whole.reshape(*shape, N), -1, 0)
    return whole.reshape(N, *shape)


@pytest.mark.parametrize("order", ["last", "first"])
def test_arrays_of_one_order_are_flat(order):
    x, y = array(order), array(order, start=7)
    flat = flat_in_memory(x, None, y)
    assert (flat[0].tolist(), flat[1], flat[2].tolist()) == ([*range(60)], None, [*range(7, 67)])
    assert np.shares_memory(flat[0], x)
    assert flat_in_memory(x, array(order, dtype="i4")) is None
    assert flat_in_memory(x, array({"last": "first", "first": "last"}[order])) is None
    rows = rows_of_features(x, None)
    assert (rows is None) == (order == "first")
    assert rows is None or (rows[0].shape, rows[1]) == ((12, N), None)
    matrix = array(order, (12,))
    assert batch_last(matrix, None) == (order == "last")
    assert not batch_last(x)
    assert not batch_last(array(order, (12,), "i4"))


@pytest.mark.parametrize("x_order", ["last", "first", "neither"])
@pytest.mark.parametrize("y_order", ["last", "first"])
def test_only_an_input_of_the_other_order_is_copied_first(x_order, y_order):
    x, y = array("first" if x_order == "neither" else x_order), np.zeros_like(array(y_order))
    if x_order == "neither":
        assert flat_for_elementwise(x[:, ::2], y) is None
        return
    calls, (flat_x, flat_y, flat_more) = flat_for_elementwise(x, y, y)
    assert len(calls) == (x_order != y_order)
    assert flat_more is not None
    assert np.shares_memory(flat_x, x if x_order == y_order else y)
    assert np.shares_memory(flat_y, y)
    for call in calls:
        call()
    np.testing.assert_array_equal(y if calls else x, x)
    assert flat_for_elementwise(y, array({"last": "first", "first": "last"}[y_order]), y) is None
