from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.report.plot.spread import beside
from declnet.report.plot.style import set_apart


@given(st.lists(st.floats(0, 100), max_size=8).map(sorted))
def test_labels_are_movedset_apart_and_keep_their_order(places):
    moved = set_apart(places, 10.0, 0.0, 100.0)
    gaps = [after - before for before, after in pairwise(moved)]
    assert all(gap > 10 - 1e-9 for gap in gaps)
    assert all(0 <= each < 100 + 1e-9 for each in moved)


def test_labels_with_room_stay_where_they_are():
    assert set_apart([10.0, 50.0, 90.0], 10.0, 0.0, 100.0) == [10.0, 50.0, 90.0]


def test_labels_move_as_little_as_they_must():
    assert set_apart([20.0, 20.0, 60.0], 10.0, 0.0, 100.0) == [15.0, 25.0, 60.0]
    assert set_apart([0.0, 0.0], 10.0, 0.0, 100.0) == [0.0, 10.0]
    assert set_apart([100.0, 100.0], 10.0, 0.0, 100.0) == [90.0, 100.0]


def test_dots_of_the_same_value_are_set_beside_each_other():
    moved = beside([0.5, 0.9, 0.5, 0.5, 0.1])
    assert moved == [0.0, 0.0, pytest.approx(0.13), pytest.approx(-0.13), 0.0]
    assert beside([0.3]) == [0.0]
