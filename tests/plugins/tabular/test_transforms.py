"""The preparation of columns and targets."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from declnet_plugins.tabular.transforms import Clamp, QuantileNormal, RobustScale, SignedOneHot

RNG = np.random.default_rng(4)


def prepared(transform, column, other=None):
    state = transform.fit(column)
    return transform.apply(column if other is None else other, state)


def test_robust_scale_centers_and_clips_smoothly():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, np.nan])  # median 2, quartiles 1 and 3
    scaled = prepared(RobustScale(clip=None), x)
    np.testing.assert_array_equal(scaled, [-1, -0.5, 0, 0.5, 1, np.nan])
    smooth = prepared(RobustScale(), x, np.array([2.0, 4.0, -1e9, 1e9]))
    np.testing.assert_allclose(smooth, [0, 1 / sqrt(1 + 1 / 9), -3, 3], rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([5.0] * 9 + [7.0], [0.0] * 9 + [2.0]),  # no interquartile range: half of the range
        ([5.0] * 10, [0.0] * 10),
    ],
)
def test_a_column_of_mostly_one_value_is_scaled_by_its_range(x, expected):
    assert prepared(RobustScale(clip=None), np.array(x)).tolist() == expected


def test_beyond_the_training_data_values_have_those_of_its_ends_and_gaps_stay():
    x = np.append(RNG.normal(size=200), np.nan)
    y = prepared(QuantileNormal(), x, np.array([-99.0, np.nan, 99.0, np.median(x[:-1])]))
    edge = NormalDist().inv_cdf(1e-7)
    np.testing.assert_allclose(y[[0, 2]], [edge, -edge], rtol=1e-9)
    assert np.isnan(y[1])
    assert abs(y[3]) < 0.1
    assert np.isnan(prepared(QuantileNormal(), x)[-1])


def test_equal_values_take_the_middle_of_their_ranks():
    x = np.repeat([0.0, 1.0, 2.0], 100)
    low, middle, high = prepared(QuantileNormal(), x)[::100]
    assert abs(middle) < 0.1
    assert low < -0.5 < 0.5 < high
    assert np.ptp(prepared(QuantileNormal(), np.full(50, 3.0))) == 0


@pytest.mark.parametrize(
    "state", [{}, {"quantiles": np.array([1.0])}, {"quantiles": np.array([2.0, 1.0])}]
)
def test_a_damaged_state_is_refused(state):
    with pytest.raises(ValueError, match="quantiles"):
        QuantileNormal().verify_state(state)


def text(*values):
    return np.array(values, dtype=object)


def test_two_categories_become_one_column_of_signs_and_gaps_zero():
    column = text("m", "f", "f", None)
    transform = SignedOneHot()
    assert prepared(transform, column).tolist() == [[-1], [1], [1], [0]]
    assert prepared(transform, column, text("x", "m")).tolist() == [[0], [-1]]
    assert transform.feature_names(("sex",), transform.fit(column)) == ("sex=f",)
    assert prepared(transform, np.array([True, False])).tolist() == [[-1], [1]]


@pytest.mark.parametrize("count", [1, 3, 4])
def test_other_numbers_of_categories_are_one_hot(count):
    names = [f"c{number}" for number in range(count)]
    result = prepared(SignedOneHot(), text(*names), text(*names, None))
    assert result.dtype == float
    assert result.tolist() == [*np.eye(count).tolist(), [0] * count]


def test_suitable_columns():
    bools, dates = np.array([True, False]), text("2024-01-01", "2024-02-01")
    columns = [np.arange(3.0), np.arange(3), bools, text("a", "b"), dates]
    assert [SignedOneHot().suits(column) for column in columns] == [False, False, True, True, False]
    for transform in (RobustScale(), QuantileNormal(), Clamp()):
        assert [transform.suits(column) for column in columns] == [True, True, False, False, False]


def test_clamp_limits_predictions_to_the_training_data_and_changes_no_target():
    y = np.array([3.0, 1.0, 2.0])
    state = Clamp().fit(y)
    np.testing.assert_array_equal(Clamp().apply(y + 9, state), y + 9)
    assert Clamp().inverse(np.array([[-5.0, 2.5], [1.0, 9.0]]), state).tolist() == [
        [1.0, 2.5],
        [1.0, 3.0],
    ]
