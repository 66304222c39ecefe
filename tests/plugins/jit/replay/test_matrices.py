"""Recorded matrix products, which threads share."""

from functools import partial

import numpy as np
import pytest

from declnet_plugins.jit.engine import NativeEngine

pytestmark = pytest.mark.usefixtures("numba")

SHAPES = {
    "matrices": ((5, 7), (7, 3)),
    "rows of stacks": ((6, 5, 7), (7, 33)),
    "stacks": ((9, 2, 5, 7), (9, 2, 7, 40)),
    "a broadcast stack": ((5, 7), (9, 7, 3)),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("case", SHAPES)
def test_products_are_divisible_and_give_the_same_bits_in_any_number_of_parts(case, turned):
    rng, (left, right) = np.random.default_rng(3), SHAPES[case]
    a, b = rng.normal(size=left).astype("f4"), rng.normal(size=right).astype("f4")
    b = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2) if turned else b
    expected, results = a @ b, set()
    c = np.empty_like(expected)
    calls = NativeEngine().compile([partial(np.matmul, a, b, c)]).native
    assert calls is not None
    assert all(call.divisible for call in calls)
    for parts in (1, 3):
        c.fill(np.nan)
        for call in calls:
            for part in reversed(range(parts)):
                call.block[:2] = part, parts
                call()
        np.testing.assert_allclose(c, expected, rtol=1e-5, atol=1e-5)
        results.add(c.tobytes())
    assert len(results) == 1
