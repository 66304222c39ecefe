"""Sine and cosine are accurate also between large multiples of pi / 2, and vectorized."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.jit import Routine, sine_and_cosine

pytestmark = pytest.mark.usefixtures("numba")


@Routine
def fill(x, sines, cosines):
    """Sines, cosines = those of x."""
    for i in range(np.uint64(x.size)):
        sines[i], cosines[i] = sine_and_cosine(x[i])


def both(x):
    sines, cosines = np.empty_like(x), np.empty_like(x)
    fill.bound(x, sines, cosines)()
    return sines, cosines


@pytest.mark.parametrize(
    ("dtype", "wide", "largest", "units"),
    [("float32", np.float64, 2.0**20, 1.6), ("float64", np.longdouble, 1e6, 2.5)],
)
def test_errors_are_a_few_units_in_the_last_place(dtype, wide, largest, units):
    rng = np.random.default_rng(1)
    near = np.arange(-20_000, 20_000) * (np.pi / 2)  # where one of them is nearly 0
    sizes = (1e-20, 1, 10, 1000, largest)
    x = np.concatenate([near, *(rng.uniform(-size, size, 50_000) for size in sizes)]).astype(dtype)
    precise = np.finfo(wide).nmant > np.finfo(dtype).nmant  # not where long double is a double
    for values, function in zip(both(x), (np.sin, np.cos), strict=True):
        right = function(x.astype(wide))
        errors = np.abs(values - right) / np.spacing(np.abs(right.astype(dtype)))
        assert float(errors.max()) < units + (0 if precise else 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinities_give_nan_and_numbers_without_digits_after_the_point_are_taken_as_0(dtype):
    sines, cosines = both(np.array([np.nan, np.inf, -np.inf, 1e30, -(2.0**30), 0.0], dtype))
    nan = np.nan
    assert np.array_equal(sines, np.array([nan, nan, nan, 0, 0, 0], dtype), equal_nan=True)
    assert np.array_equal(cosines, np.array([nan, nan, nan, 1, 1, 1], dtype), equal_nan=True)
