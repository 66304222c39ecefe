"""The scale of an axis: its range for all kinds of values."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from declnet.display.scales import ROOM, axis_scale

numbers = st.floats(-1e12, 1e12) | st.sampled_from([math.nan, math.inf, -math.inf])
lines = st.lists(st.lists(numbers, max_size=60), max_size=4)


def position(scale, value):
    """Return the position of a value on an axis, from 0 to 1."""
    low, high = scale.low, scale.high
    if scale.logarithmic:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)


@given(lines, st.booleans())
def test_an_axis_has_the_last_values_and_counts_hidden_ones(lines, linear):
    finite = [values for line in lines if (values := [*filter(math.isfinite, line)])]
    scale = axis_scale(lines, linear=linear)
    if not finite:
        assert scale is None
        return
    assert all(scale.low <= line[-1] <= scale.high for line in finite)
    values = [value for line in finite for value in line]
    assert scale.hidden == sum(not scale.low <= value <= scale.high for value in values)
    assert scale.hidden <= len(values) / 2
    assert not scale.logarithmic or (scale.low > 0 and not linear)
    if not scale.hidden:
        assert (min(values) >= scale.low, max(values) <= scale.high) == (True, True)
    assert axis_scale(reversed(lines), linear=linear) == scale


@given(lines, st.integers(-20, 20))
def test_the_unit_of_the_values_changes_nothing(lines, power):
    """The unit is a power of two, so no value is rounded."""
    lines = [[value for value in line if abs(value) > 1e-9] for line in lines]
    scale, factor = axis_scale(lines), 2.0**power
    scaled = axis_scale([[value * factor for value in line] for line in lines])
    assume(scale is not None)
    assert (scaled.logarithmic, scaled.hidden) == (scale.logarithmic, scale.hidden)
    expected = pytest.approx((scale.low * factor, scale.high * factor), rel=1e-6, abs=1e-20)
    assert (scaled.low, scaled.high) == expected


@given(st.floats(10, 1e9), st.integers(40, 400), st.floats(0.1, 0.9))
def test_an_early_spike_leaves_room_for_the_rest(spike, count, end):
    rest = [1 - (1 - end) * at / count for at in range(count)]
    scale = axis_scale([[spike, *rest]])
    assert scale.low <= min(rest)
    assert max(rest) <= scale.high
    assert position(scale, max(rest)) - position(scale, min(rest)) >= ROOM


def test_a_fall_over_decades_is_logarithmic_and_whole():
    """The values fall steadily, e.g. a loss from 2.3 to 0.0005."""
    loss = [2.3 * 0.95**epoch for epoch in range(160)]
    scale = axis_scale([loss])
    assert (scale.logarithmic, scale.hidden) == (True, 0)
    assert (scale.low, scale.high) == (loss[-1], 2.3)
    assert not axis_scale([loss], linear=True).logarithmic
    assert not axis_scale([[*loss, 0.0]]).logarithmic


def test_a_divergence_stays_in_sight():
    """Readers must see large values at the end."""
    scale = axis_scale([[1 / (1 + epoch) for epoch in range(50)] + [1e9]])
    assert scale.high >= 1e9
    assert scale.logarithmic


@pytest.mark.parametrize("late", [30, 90])
def test_a_single_late_spike_is_cut_too(late):
    loss = [1 + math.sin(epoch) / 10 for epoch in range(120)]
    loss[late] = 1e4
    scale = axis_scale([loss])
    assert (scale.hidden, scale.high < 1.3) == (1, True)


def test_metrics_that_start_low_are_cut_below():
    accuracy = [0.1, *(0.97 + 0.0002 * epoch for epoch in range(100))]
    scale = axis_scale([accuracy], linear=True)
    assert (scale.hidden, scale.low > 0.9, scale.logarithmic) == (1, True, False)


def test_values_that_hardly_vary_or_are_few_are_not_enlarged():
    assert axis_scale([[5.0, *[1.0] * 50]]).high == 5.0
    assert axis_scale([[5.0, 1.0, 0.9, 0.8]]).high == 5.0
    constant = axis_scale([[0.7] * 5])
    assert (constant.low, constant.high, constant.hidden) == (0.7, 0.7, 0)
