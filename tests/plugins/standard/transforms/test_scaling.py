"""Transforms of numbers for targets: inverses, and errors of vanishing spreads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import ColumnError, default_registry
from declnet_plugins.standard.transforms.scaling import Log, MinMax, SignedLog, Standardize

POSITIVE = st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=30)
NUMBER = st.floats(1e-100, 1e9)  # a spread of smaller ones is an error, see below
ANY = st.lists(st.just(0.0) | NUMBER | NUMBER.map(lambda x: -x), min_size=2, max_size=30)


@given(POSITIVE, st.sampled_from([0.0, 1.0, 50.0]))
def test_log(values, shift):
    _goes_back(Log(shift=shift), np.array(values))


@given(ANY, st.sampled_from([SignedLog(), SignedLog(scale=250.0), Standardize(), MinMax(low=-3)]))
def test_numbers_of_any_sign(values, transform):
    _goes_back(transform, np.array(values))


def _goes_back(transform, x):
    state = transform.fit(x)
    back = transform.inverse(transform.apply(x, state), state)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9 * max(np.abs(x).max(), 1.0))


def test_signed_log_is_odd_and_nearly_linear_near_0():
    transform = SignedLog(scale=10.0)
    result = transform.apply(np.array([-90.0, 0.0, 90.0, 1e-6, np.nan]), {})
    log10 = np.log(10)
    np.testing.assert_allclose(result, [-log10, 0, log10, 1e-7, np.nan], rtol=1e-6)
    with pytest.raises(ColumnError, match="is text"):
        transform.apply(np.array(["a"], object), {})


@pytest.mark.parametrize("name", ["standardize", "robust_scale"])
@pytest.mark.parametrize("unit", [5e-324, 1e-320, 1e-309])
def test_a_spread_that_vanishes_is_an_error_about_the_spread(name, unit):
    transform = default_registry().find("transform", name)()
    with pytest.raises(ColumnError, match=r"varies by only .*, too little to scale"):
        transform.fit(np.arange(9.0) * unit)
    fitting = transform.fitting()
    if fitting is not None:
        fitting.update(np.arange(9.0) * unit)
        with pytest.raises(ColumnError, match=r"varies by only .*, too little to scale"):
            fitting.result()
