"""Indicators of missing values."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import ColumnError
from declnet_plugins.standard.transforms.impute import MissingIndicator

NAN = np.nan


@pytest.mark.parametrize("column", [np.array([1.0, 2.0]), np.array([1, 2]), np.ones((2, 3))])
def test_without_gaps_in_the_training_data_a_column_stays_as_it_is(column):
    transform = MissingIndicator()
    state = transform.fit(column)
    result = transform.apply(column, state)
    assert result is not column
    np.testing.assert_array_equal(result, column)
    assert result.dtype == column.dtype
    assert transform.feature_names(("a",), state) == ("a",)
    np.testing.assert_array_equal(transform.apply(np.array([NAN]), state), [NAN])


def test_numbers_that_are_missing_together_share_an_indicator():
    """Parts of a date do, for example; other numbers have separate indicators."""
    column = np.array([[1, NAN, NAN, NAN], [2, 3, 4, 5], [3, 5, 6, NAN]])
    transform = MissingIndicator()
    state = transform.fit(column)
    assert state == {"numbers": [1, 3]}
    result = transform.apply(column, state)
    np.testing.assert_array_equal(result[:, :4], column)
    assert result[:, 4:].tolist() == [[1, 1], [0, 0], [0, 1]]
    names = ("d.year", "d.sin", "d.cos", "other")
    assert transform.feature_names(names, state) == (*names, "d.sin.missing", "other.missing")


def test_samples_of_more_axes_and_damaged_states_are_refused():
    with pytest.raises(ColumnError, match=r"missing values in samples of shape \(2, 2\)"):
        MissingIndicator().fit(np.full((3, 2, 2), NAN))
    for numbers in ([-1], ["0"], [0.5], [True]):
        with pytest.raises(ValueError, match="positions"):
            MissingIndicator().verify_state({"numbers": numbers})
