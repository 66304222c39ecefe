"""The kit's own mathematics: central differences, away from kinks, and comparisons in words."""

import numpy as np
import pytest

from declnet.testing import CheckFailed
from declnet.testing.comparison import (
    difference,
    disagreement,
    require_gradient,
    unwritten_and_read,
)
from declnet.testing.trial import POISONS

POINT = np.random.default_rng(3).normal(size=(4, 5))


def cubes(w):
    return float(np.sum(w**3))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda gradient: gradient * 0.999, "differ"),
        (lambda gradient: gradient * 1.001, "differ"),
        (lambda gradient: gradient + 0.01 * (np.arange(20) == 13).reshape(4, 5), "differ"),
        (lambda gradient: np.where(gradient == gradient.max(), np.nan, gradient), "NaN"),
    ],
)
def test_a_wrong_gradient_is_noticed(change, words):
    assert words in disagreement(cubes, POINT, change(3 * POINT**2))


def test_a_direction_that_hides_a_fault_does_not_hide_its_elements():
    gradient = np.array([1.0, 0.0])
    direction = np.random.default_rng([0, 99]).normal(size=2)
    hidden = gradient + np.array([-direction[1], direction[0]])
    fault = disagreement(lambda w: float(w[0]), np.ones(2), hidden, seed=0)
    assert "2 of 2 elements differ from central differences" in fault


def test_a_kink_at_one_point_is_forgiven_at_most_points_not():
    def kinked(share):
        def draw(seed):
            point = np.array([0.0 if seed < share else 1.0])
            return (lambda w: float(np.abs(w).sum())), point, np.array([1.0])

        return draw

    require_gradient(kinked(1), "dx")
    with pytest.raises(CheckFailed, match="dx is wrong"):
        require_gradient(kinked(2), "dx")


def test_a_steep_function_is_right_at_one_step_size():
    def steep(w):
        return float(np.sum(np.tanh(w * 1e3)))

    point = np.array([1e-4, -3e-4])
    slope = 1e3 / np.cosh(point * 1e3) ** 2
    assert disagreement(steep, point, slope) is None


def test_differences_are_reported_in_words():
    found = np.array([[1.0, 2.0], [3.0, 4.5]])
    assert difference(found, found) is None
    assert difference(found, found.astype(int)) == (
        "1 of 4 elements differ, most at [1, 1]: 4.5 instead of 4"
    )
    assert "shape (2, 2) instead of (4,)" in difference(found, found.reshape(-1))
    assert difference(np.array([np.nan]), np.array([1.0])) is not None
    assert difference(np.array([np.inf]), np.array([np.inf])) is None


def test_unwritten_and_read_elements_are_distinguished():
    first = np.array([POISONS[0], 1.0, np.nan, 2.0])
    second = np.array([POISONS[1], 1.0, POISONS[1] + 1, 2.0])
    assert unwritten_and_read(first, second, POISONS) == (1, 1)
