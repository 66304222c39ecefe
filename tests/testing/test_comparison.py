"""The kit's numerics: one-sided difference quotients, and descriptions of differences."""

from contextlib import nullcontext

import numpy as np
import pytest

from declnet.testing import CheckFailed
from declnet.testing.comparison import (
    difference,
    require_gradient,
    unwritten_and_read,
)
from declnet.testing.trial import POISONS

POINT = np.random.default_rng(3).normal(size=(4, 5))
DIRECTION = np.random.default_rng(4).normal(size=(4, 5))


def values_of(function):
    """Return a function's value and the magnitude of its terms for each row."""

    def values(w):
        terms = function(w).reshape(len(w), -1)
        return terms.sum(axis=1), np.abs(terms).sum(axis=1)

    return values


CUBES = values_of(lambda w: w**3)


def test_a_correct_gradient_passes():
    require_gradient(CUBES, POINT, 3 * POINT**2, DIRECTION, "dx")
    require_gradient(CUBES, 1e3 * POINT, 3e6 * POINT**2, 1e3 * DIRECTION, "dx")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda gradient: gradient * 0.999, "slope is"),
        (lambda gradient: gradient * 2, "off by the factor 2"),
        (lambda gradient: gradient + 0.01 * (np.arange(20) == 13).reshape(4, 5), "at (0.22"),
        (lambda gradient: np.where(gradient == gradient.max(), np.nan, gradient), "NaN"),
    ],
)
def test_a_wrong_gradient_is_reported(change, words):
    with pytest.raises(CheckFailed, match="dx is wrong") as caught:
        require_gradient(CUBES, POINT, change(3 * POINT**2), DIRECTION, "dx")
    assert words in str(caught.value)


@pytest.mark.parametrize(("slope", "is_right"), [(-1, 1), (0.3, 1), (1, 1), (1.1, 0), (-2, 0)])
def test_at_a_kink_every_slope_between_the_one_sided_slopes_passes(slope, is_right):
    zeros = np.zeros((2, 1))
    with nullcontext() if is_right else pytest.raises(CheckFailed):
        require_gradient(values_of(np.abs), zeros, np.full((2, 1), slope), zeros + 1, "dx")


def test_gradients_of_non_finite_values_are_not_compared():
    point = np.array([[800.0], [1.0]])
    with np.errstate(all="ignore"):  # as in all checks
        require_gradient(values_of(np.exp), point, np.exp(point), np.ones((2, 1)), "dx")


def test_one_step_size_suffices_for_a_steep_function():
    point = np.array([[1e-5, -3e-5]])
    slope = 1e4 / np.cosh(point * 1e4) ** 2
    steep = values_of(lambda w: np.tanh(w * 1e4))
    require_gradient(steep, point, slope, np.array([[100.0, 30.0]]), "dx")


def test_differences_are_described():
    array = np.array([[1.0, 2.0], [3.0, 4.5]])
    assert difference(array, array) is None
    assert difference(array, array.astype(int)) == (
        "1 of 4 elements differ, most at [1, 1]: 4.5 instead of 4"
    )
    assert "shape (2, 2) instead of (4,)" in difference(array, array.reshape(-1))
    assert difference(np.array([np.nan]), np.array([1.0])) is not None
    assert difference(np.array([np.inf]), np.array([np.inf])) is None


def test_unwritten_and_read_elements_are_distinguished():
    poisons = POISONS["NaN"], POISONS["number"]
    first = np.array([poisons[0], 1.0, np.nan, 2.0])
    second = np.array([poisons[1], 1.0, poisons[1] + 1, 2.0])
    assert unwritten_and_read(first, second, poisons) == (1, 1)
