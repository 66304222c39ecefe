"""Rare categories, which become one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import ColumnError
from declnet_plugins.standard.transforms.categories import GroupRare


def text(*values):
    return np.array(values, object)


COLUMN = text(*["a"] * 6, *["b"] * 4, *["c"] * 4, "d", None)


def test_integers_and_booleans_become_text():
    zips = np.array([10115, 10115, 80331])
    transform = GroupRare(columns=["zip"], min_count=2, other="elsewhere")
    assert transform.apply(zips, transform.fit(zips)).tolist() == ["10115", "10115", "elsewhere"]
    gaps = np.array([1.0, np.nan, 1.0])
    assert transform.apply(gaps, transform.fit(np.array([1, 1]))).tolist() == ["1", None, "1"]
    assert transform.apply(np.array([True]), transform.fit(np.array([True] * 2))) == ["true"]


def test_what_it_takes():
    dates = text("2024-01-01", "2024-02-01")
    suits = [GroupRare().suits(category) for category in (COLUMN, dates, np.arange(3), np.ones(2))]
    assert suits == [True, False, False, False]
    with pytest.raises(ColumnError, match="all values are missing"):
        GroupRare().fit(text(None, None))
    with pytest.raises(ColumnError, match="categories are text or integers"):
        GroupRare().fit(np.array([0.5, 1.5]))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1), st.integers(1, 6), st.integers(1, 6))
def test_each_level_that_is_left_is_frequent_and_none_is_lost(values, least, most):
    transform = GroupRare(min_count=least, max_categories=most)
    column = text(*values)
    after = Counter(transform.apply(column, transform.fit(column)))
    before = Counter(values)
    assert after.total() == len(values)
    remaining = after.keys() - {"other"}
    assert len(remaining) == min(most, sum(count >= least for count in before.values()))
    assert all(after[category] == before[category] >= least for category in remaining)
    merged = [count for category, count in before.items() if category not in remaining]
    assert after["other"] == sum(merged)
    if len(remaining) == most:
        assert max(merged, default=0) <= min(after[category] for category in remaining)
