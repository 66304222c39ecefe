"""Clipping the flat gradient, by value and by norm."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.graph.clipping import clippings
from declnet.graph.update import Update
from declnet_optimizers import SGD


def clipped(gradient, **limits):
    result = np.array(gradient, dtype=float)
    for clip in clippings(limits.get("norm"), limits.get("value")):
        clip(result)
    return result


def test_a_gradient_that_is_too_long_keeps_its_direction():
    np.testing.assert_allclose(clipped([3.0, 4.0], norm=1.0), [0.6, 0.8], rtol=1e-15)


def test_a_gradient_that_is_short_enough_is_left_as_it_is():
    np.testing.assert_array_equal(clipped([0.3, 0.4], norm=0.5), [0.3, 0.4])


def test_each_number_is_cut_to_the_value():
    np.testing.assert_array_equal(clipped([-3.0, 0.5, 4.0], value=1.0), [-1.0, 0.5, 1.0])


def test_the_norm_is_that_of_what_the_value_left():
    np.testing.assert_allclose(clipped([30.0, 1.0], value=1.0, norm=1.0), [0.5**0.5] * 2)


def test_nothing_is_done_without_limits():
    assert clippings(None, None) == ()


def test_an_update_takes_the_clipped_gradient():
    w, dw = np.zeros(2), np.array([3.0, 4.0])
    Update(SGD(learning_rate=1.0), w, dw, 100, clippings(1.0, None))(1)
    np.testing.assert_allclose(w, [-0.6, -0.8], rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept(dtype):
    gradient = np.array([3, 4], dtype)
    for clip in clippings(1.0, 0.5):
        clip(gradient)
    assert gradient.dtype == dtype
