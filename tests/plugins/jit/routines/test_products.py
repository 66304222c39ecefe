"""Matrix products of all sizes and memory orders; the same bits in any number of parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("numba")

DTYPES = ("float32", "float64")
SIZES = st.integers(1, 70)


def laid_out(values, order):
    """Return a copy of (…, rows, columns) in a memory order."""
    if order == "columns":
        return values.swapaxes(-1, -2).copy().swapaxes(-1, -2)
    if order == "every second":
        return np.repeat(values, 2, axis=-1)[..., ::2]
    if order == "padded rows":
        return np.concatenate([values, values[..., :3]], axis=-1)[..., : values.shape[-1]]
    return values.copy()


def computed(a, b, c, biases=None, low=-np.inf, parts=1):
    """Compute a product in parts, in any order, and return c."""
    from declnet_plugins.jit.routines.products import product

    call = product(a, b, c, biases, low)
    for part in reversed(range(parts)):
        block = call.block.copy()
        block[:2] = part, parts
        replace(call, block=block)()
    return c


@pytest.mark.parametrize("order", ["rows", "columns"])
def test_panels_are_memory_of_each_thread_not_of_its_stack(order, in_small_stack):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(100, 600)), laid_out(rng.normal(size=(600, 70)), order)
    whole = computed(a, b, np.empty((100, 70)))
    for _ in range(3):
        assert (whole == in_small_stack(computed, a, b, np.empty((100, 70)))).all()


def reference(a, b, biases, low):
    product = a.astype(float) @ b.astype(float)
    return np.maximum(product if biases is None else product + biases[:, None], low)


@settings(max_examples=2 * settings().max_examples)
@given(
    sizes=st.tuples(SIZES, st.integers(1, 4) | SIZES, SIZES),
    orders=st.tuples(
        st.sampled_from(("rows", "columns", "padded rows", "every second")),
        st.sampled_from(("rows", "columns", "padded rows")),
        st.sampled_from(("rows", "padded rows")),
    ),
    dtype=st.sampled_from(DTYPES),
    biased=st.booleans(),
    low=st.sampled_from([-np.inf, 0.0, 0.25]),
    seed=st.integers(0, 9),
)
@example((70, 1025, 70), ("rows", "rows", "rows"), "float32", True, 0.0, 0)
@example((13, 1600, 1100), ("columns", "rows", "padded rows"), "float64", True, 0.0, 0)
@example((80, 9, 1100), ("rows", "columns", "rows"), "float32", False, 0.0, 0)
@example((3, 1000, 70), ("rows", "columns", "rows"), "float32", False, -np.inf, 0)
def test_products_of_all_sizes_and_orders(sizes, orders, dtype, biased, low, seed):
    rows, depth, columns = sizes
    rng = np.random.default_rng(seed)
    shapes = (rows, depth), (depth, columns), (rows, columns)
    a, b, c = (
        laid_out(rng.normal(size=shape).astype(dtype), order)
        for shape, order in zip(shapes, orders, strict=True)
    )
    biases = rng.normal(size=rows).astype(dtype) if biased else None
    around = c.base.copy() if c.base is not None else None
    results = [computed(a, b, c, biases, low, parts).copy() for parts in (1, 2, 3, 5)]
    sizes = abs(a) @ abs(b) + (abs(biases[:, None]) if biased else 0) + 1
    bound = sizes * (depth + 1) * np.finfo(dtype).eps
    assert (abs(results[0] - reference(a, b, biases, low)) <= bound).all()
    assert len({result.tobytes() for result in results}) == 1
    if orders[2] == "padded rows":  # memory around c is unchanged
        assert (c.base[:, columns:] == around[:, columns:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed_results_and_steps(dtype):
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in ((5, 30, 9), (5, 9, 50)))
    expected = a.astype(float) @ b
    tolerance = {"rtol": 0, "atol": 100 * np.finfo(dtype).eps}
    np.testing.assert_allclose(computed(a, b, np.empty((5, 30, 50), dtype)), expected, **tolerance)
    transposed = np.empty((5, 50, 30), dtype).swapaxes(1, 2)
    np.testing.assert_allclose(computed(a, b, transposed), expected, **tolerance)
    np.testing.assert_allclose(
        computed(a[0], b, np.empty((5, 30, 50), dtype)),
        a[0].astype(float) @ b,
        **tolerance,
    )
    biases = rng.normal(size=30).astype(dtype)
    for parts in (1, 2, 3):
        total = computed(a, b, np.empty((30, 50), dtype), biases, 0.5, parts)
        rectified = np.maximum(expected.sum(0) + biases[:, None], 0.5)
        np.testing.assert_allclose(total, rectified, **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("steps", "depth"), [(32, 33), (20, 256), (3, 257), (2, 1)])
def test_short_sums_of_many_steps_have_the_bits_of_one_long_sum(steps, depth, dtype):
    rng = np.random.default_rng(3)
    a, b = (rng.normal(size=(steps, rows, depth)).astype(dtype) for rows in (30, 70))
    right = b.swapaxes(1, 2)
    whole = np.empty((30, 70), dtype)
    computed(np.hstack([*a]), np.vstack([*right]), whole)
    for parts in (1, 2, 3):
        summed = computed(a, right, np.empty((30, 70), dtype), parts=parts)
        assert summed.tobytes() == whole.tobytes()
