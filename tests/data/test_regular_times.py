"""Tests of regular times: their interval and the next times."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.data.dates import Interval, times_after, usual_interval

DAY = 86_400_000_000


def text(*values):
    return np.array(values, object)


@pytest.mark.parametrize(
    ("column", "following"),
    [
        (text("2023-10", "2023-11", "2023-12"), ["2024-01", "2024-02"]),
        (text("2023-12-31", "2024-01-31", "2024-02-29"), ["2024-03-31", "2024-04-30"]),
        (text("2022-10-01", "2023-01-01", "2023-04-01"), ["2023-07-01", "2023-10-01"]),
        (text("2024-01-01", "2024-01-08", "2024-01-15"), ["2024-01-22", "2024-01-29"]),
        (
            text("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-06", "2024-05-07"),
            ["2024-05-08", "2024-05-09"],
        ),
        (text("30.12.2023", "31.12.2023", "01.01.2024"), ["02.01.2024", "03.01.2024"]),
        (text("12/30/2023", "12/31/2023", "1/1/2024"), ["2024-01-02", "2024-01-03"]),
        (text("2024-01-01T22:00", "2024-01-01T23:00", "2024-01-02T00:00"),
         ["2024-01-02T01:00", "2024-01-02T02:00"]),
        (np.array([1990, 1991, 1992]), [1993, 1994]),
        (np.array([1949.833, 1949.917, 1950.0]), pytest.approx([1950.083, 1950.167], abs=1e-3)),
    ],
)  # fmt: skip
def test_next_times_continue_the_usual_interval(column, following):
    assert times_after(column, 2).tolist() == following


def test_irregular_times_are_not_continued_and_gaps_are_marked():
    days = np.array([0, 1, 2, 3, 5, 6, 9], "datetime64[D]").astype("datetime64[us]")
    interval, follows = usual_interval(days)
    assert interval == Interval("microseconds", DAY)
    assert follows.tolist() == [True, True, True, False, True, False]
    assert times_after(days.astype("datetime64[D]").astype(str).astype(object), 2) is None
    assert times_after(text("Bern", "Ulm", "Lyon"), 2) is None
    assert usual_interval(days[:2]) is None
