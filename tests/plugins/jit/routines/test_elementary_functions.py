"""The functions that routines call are accurate everywhere, and vectorized."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.jit.routines import elementary_functions
from declnet_plugins.jit.routines.routine import Routine

pytestmark = pytest.mark.usefixtures("numba")

EXACT = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "logistic": lambda x: np.where(x < 0, np.exp(x), 1) / (1 + np.exp(-np.abs(x))),
}
UNITS = {"exp": 1.2, "log": 1, "log1p": 2, "expm1": 2, "tanh": 3, "logistic": 3}
"""The largest errors, in units in the last place."""

SPECIAL = [0, -0.0, 1, -1, np.inf, -np.inf, np.nan]


def applied(name, x):
    """Apply a function to an array, in a routine."""
    function = getattr(elementary_functions, name)

    @Routine
    def apply(x, y):
        for i in range(np.uint64(x.size)):
            y[i] = function(x[i])

    y = np.empty_like(x)
    return apply.bound(x, y), y


def arguments(dtype):
    """Return numbers of all magnitudes and signs, including denormals, and many near 0 and 1."""
    rng, info = np.random.default_rng(1), np.finfo(dtype)
    integers = rng.integers(0, 2**64, 200_000, dtype=np.uint64).tobytes()
    steps = rng.normal(size=100_000) * 2.0 ** rng.integers(-info.nmant - 3, 2, 100_000)
    largest = np.log(float(info.max))
    return np.concatenate(
        [
            np.array(SPECIAL, dtype),
            np.frombuffer(integers, dtype),
            (1 + steps).astype(dtype),
            steps.astype(dtype),
            np.linspace(-1.2 * largest, 1.1 * largest, 200_001, dtype=dtype),
            np.linspace(-40, 40, 100_001, dtype=dtype),
        ]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors_are_a_few_units_in_the_last_place(name, dtype):
    x = arguments(dtype)
    call, y = applied(name, x)
    call()
    wide = np.longdouble if dtype == "float64" else np.float64
    right = EXACT[name](x.astype(wide))
    rounded = right.astype(dtype)
    finite = np.isfinite(rounded)
    assert np.array_equal(y[~finite], rounded[~finite], equal_nan=True)
    units = np.abs(y[finite] - right[finite]) / np.spacing(np.abs(rounded[finite]))
    precise = np.finfo(wide).nmant > np.finfo(dtype).nmant  # not where long double is a double
    assert float(units.max()) < UNITS[name] + (0 if precise else 1)
