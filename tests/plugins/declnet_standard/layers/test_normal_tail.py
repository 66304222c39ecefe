from __future__ import annotations

from math import erfc, exp, pi, sqrt

import numpy as np
import pytest

from declnet_standard.layers.gelu import FAR, fill_normal_tail


@pytest.fixture
def a():
    return np.linspace(0, FAR, 20_001)


def filled(a):
    tail, density = np.full_like(a, np.nan), np.full_like(a, np.nan)
    fill_normal_tail(a, tail, density)
    return tail, density


def test_tail_is_right_to_the_last_digit(a):
    expected = np.array([erfc(value / sqrt(2)) / 2 for value in a])
    found, _ = filled(a)
    assert np.abs(found - expected).max() <= 2.3e-16
    near = a <= 7
    np.testing.assert_allclose(found[near], expected[near], rtol=1e-8)
    assert (found[0], found[-1]) == (0.5, 0)


def test_tail_in_float32_keeps_its_digits(a):
    near = a[a <= 7].astype("float32")
    expected = np.array([erfc(float(value) / sqrt(2)) / 2 for value in near])
    found, density = filled(near)
    assert found.dtype == density.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=3e-6)


def test_density(a):
    expected = [exp(-(value**2) / 2) / sqrt(2 * pi) for value in a]
    np.testing.assert_allclose(filled(a)[1], expected, rtol=1e-12)
