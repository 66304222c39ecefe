"""Dates and times in text: their forms and their values."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, Table, date_form, read_dates
from declnet.data.dates import odd_date
from declnet.data.splits import split_positions
from declnet.spec.data_section import SplitSpec


def text(*values):
    return np.array(values, object)


@pytest.mark.parametrize(
    ("cells", "form", "moments"),
    [
        (["2024-02-29", None, "2024-3-1T7:05:09.25Z"], "year_first",
         ["2024-02-29", "NaT", "2024-03-01T07:05:09.25"]),
        (["2024-01-01 01:30+02:00", "2024/05/06"], "year_first",
         ["2023-12-31T23:30", "2024-05-06"]),
        (["2024-02", "2024-03"], "year_first", ["2024-02-01", "2024-03-01"]),
        (["31.12.2024", "1.2.2024"], "day_first", ["2024-12-31", "2024-02-01"]),
        (["1.2.2024"], "day_first", ["2024-02-01"]),
        (["03/04/2021", "13/04/2021"], "day_first", ["2021-04-03", "2021-04-13"]),
        (["3/4/21 12:05 am", "3/14/68 1:00PM"], "month_first",
         ["2021-03-04T00:05", "2068-03-14T13:00"]),
        (["3 Sept 2020", "04-may-2021"], "day_name", ["2020-09-03", "2021-05-04"]),
        (["Dec. 31, 2024", "January 1 2020"], "name_day", ["2024-12-31", "2020-01-01"]),
        (["May 2020"], "month_name", ["2020-05-01"]),
        (["14:30", "9:05:10.5", "1:00 p.m."], "time",
         ["1970-01-01T14:30", "1970-01-01T09:05:10.5", "1970-01-01T13:00"]),
    ],
)  # fmt: skip
def test_dates_are_read_in_the_form_that_fits_all_cells(cells, form, moments):
    column = text(*cells)
    assert date_form(column) == form
    np.testing.assert_array_equal(read_dates(column, form), np.array(moments, "datetime64[us]"))


@pytest.mark.parametrize(
    "cells",
    [["2023-02-29"], ["2010-11", "2012-13"], ["1.2.13"], ["red"], ["13:00 pm"], ["24:00"], [None],
     ["2024-01-01", "soon"], ["2024-01-01", "01/31/2024"], ["Foo 2020"], ["٢٠٢٤-01-01"]],
)  # fmt: skip
def test_other_text_is_not_a_date(cells):
    assert date_form(text(*cells)) is None


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["2021-02-30", *(f"2021-03-{day:02}" for day in range(1, 20))], "2021-02-30"),
        (["2021-03-01", "2.3.2021", "2021-03-05"], "2.3.2021"),
        (["2021-03-01", "red", "blue"], None),
        (["red", "blue"], None),
        (["2021-03-01"], None),
        ([], None),
    ],
)  # fmt: skip
def test_an_invalid_date_among_dates_is_found(cells, odd):
    assert odd_date(cells) == odd


def test_day_and_month_that_could_be_swapped_are_ambiguous():
    assert date_form(text("03/04/2021", "05-06-2022")) == "ambiguous"
    assert date_form(np.arange(3)) is None


def test_a_split_by_time_reads_dates_in_any_form():
    days = [f"{1 + at % 28}.{1 + at // 28}.2024" for at in range(56)]
    table = Table({"day": text(*days), "y": np.arange(56) % 2}, "y")
    spec = SplitSpec(method="time", column="day")
    rows = split_positions(table, {"test": 0.25}, spec, 0)["test"]
    assert table.take(rows).columns["day"].tolist() == days[-14:]
    unclear = Table({"day": text(*["1/2/2024", "2/3/2024"] * 4), "y": np.arange(8)}, "y")
    with pytest.raises(DataError, match='dates such as "1/2/2024" may begin with the day'):
        split_positions(unclear, {"test": 0.25}, spec, 0)
