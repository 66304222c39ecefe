"""The transform `datetime` against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import ColumnError
from declnet_plugins.standard.transforms.dates import Datetime


def text(*values):
    return np.array(values, object)


MOMENTS = text("2024-06-30T12:30:15", None, "2023-01-01")  # two Sundays
PARTS = {
    "elapsed": [546.521 / 365.2425, 0],
    "year": [2024, 2023],
    "quarter": [2, 1],
    "month": [6, 1],
    "day": [30, 1],
    "day_of_year": [182, 1],
    "weekday": [6, 6],
    "hour": [12, 0],
    "minute": [30, 0],
    "second": [15, 0],
    "time_of_day": [12.504167, 0],
}


def test_each_part_as_a_number():
    transform = Datetime(parts=tuple(PARTS), cycles=False)
    state = transform.fit(MOMENTS)
    expected = np.array([*PARTS.values()]).T
    result = transform.apply(MOMENTS, state)
    np.testing.assert_allclose(result[[0, 2]], expected, rtol=1e-5)
    assert np.isnan(result[1]).all()
    assert transform.feature_names(("at",), state)[:2] == ("at.elapsed", "at.year")


def test_cycles_are_points_on_a_circle():
    transform = Datetime(parts=("month", "time_of_day"))
    result = transform.apply(text("2024-10-05 06:00", "2024-04-01"), transform.fit(MOMENTS))
    np.testing.assert_allclose(result, [[-1, 0, 1, 0], [1, 0, 0, 1]], atol=1e-12)
    names = transform.feature_names(("at",), transform.fit(MOMENTS))
    assert names[:2] == ("at.month_sin", "at.month_cos")


def test_the_parts_that_vary_are_the_default():
    assert Datetime().fit(text("2024-01-01", "2024-01-08"))["parts"] == ["elapsed", "day_of_year"]
    assert Datetime().fit(text("2024-01-01"))["parts"] == ["elapsed"]
    assert Datetime().fit(text("7:30", "8:15"))["parts"] == ["time_of_day"]


@pytest.mark.parametrize(
    ("fields", "column", "message"),
    [
        ({}, text("03/04/2021"), "of which the day or the month may come first"),
        ({}, text("red"), "is text, not dates"),
        ({}, np.arange(2), "holds numbers, not dates"),
        ({}, text(*["2024-01-01"] * 200, "soon"), 'is "soon", which is not a date'),
        ({"parts": ("year",)}, text("7:30"), "holds times without a date, which have no year"),
    ],
)
def test_other_columns_are_refused(fields, column, message):
    with pytest.raises(ColumnError, match=message):
        Datetime(**fields).fit(column)


def test_the_order_can_be_given_and_later_data_keeps_it():
    transform = Datetime(order="month_first", parts=("month",), cycles=False)
    state = transform.fit(text("03/04/2021"))
    assert transform.apply(text("12/31/2021"), state).tolist() == [[12]]
    with pytest.raises(ColumnError, match='is "31/12/2021", which is not a date or time written'):
        transform.apply(text("31/12/2021"), state)


def test_times_far_from_now_keep_the_parts_they_are_written_with():
    """A day has more microseconds than floats tell apart so far from 1970."""
    transform = Datetime(parts=("year", "day", "weekday", "hour", "second"), cycles=False)
    column = text("0001-01-01 23:59:59.999999", "9999-12-31 23:59:59.999999")
    parts = transform.apply(column, transform.fit(column))
    assert parts.tolist() == [[1, 1, 0, 23, 59], [9999, 31, 4, 23, 59]]
