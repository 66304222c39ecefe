"""Forecasts after the last row: rows read, times appended, series that are too short."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, Table
from declnet.data.preparing.forecasting import forecastable, steps, with_future
from declnet.data.preparing.preparation import fit_preparation
from declnet.data.preparing.targets import LossTarget
from declnet.data.preparing.windows import Windows
from declnet.spec.data_section import WindowSpec
from declnet_plugins.standard.transforms.dates import Datetime


def test_known_times_are_appended_if_the_table_has_no_rows_to_forecast():
    months = np.arange("2020-01", "2022-01", dtype="datetime64[M]").astype(str).astype(object)
    row = np.arange(24.0)
    table = Table({"level": row, "sales": row, "month": months}, "sales")
    preparation = fit_preparation(
        table,
        [Datetime(columns=("month",), parts=("month",), cycles=False)],
        [LossTarget("", "values")],
        ["month"],
        None,
        Windows(WindowSpec(past=4, horizon=3, known=("month",)), "month"),
    )
    x = preparation.apply(table)
    np.testing.assert_array_equal(x["future"][0, :, 0], [1, 2, 3])
    np.testing.assert_array_equal(x["past"][0, :, -1], [20, 21, 22, 23])
    windows = preparation.windows
    extended = with_future(windows, table, ("sales",))
    (times,) = steps(windows, extended).values()
    assert times.tolist() == [["2022-01", "2022-02", "2022-03"]]
    again = with_future(windows, extended, ("sales",))  # the last rows have no target
    assert again.columns["month"].tolist() == extended.columns["month"].tolist()
    gap = table.take(np.array([0, 1, 2, 3, 5, 6, 8, 9, 13, 14]))
    with pytest.raises(DataError, match="not at equal distances"):
        with_future(windows, gap, ("sales",))


@pytest.mark.parametrize(
    ("known", "needed"),
    [((), 3), (("day",), 3), (("plan",), 5)],  # times are appended, plans cannot be
)
def test_only_series_that_are_long_enough_are_forecast(known, needed):
    lengths = {"a": 6, "b": 1, "c": needed, "d": needed - 1}
    shop = np.array([name for name, count in lengths.items() for _ in range(count)], object)
    number = np.concatenate([np.arange(count) for count in lengths.values()])
    day = (np.datetime64("2024-01-01") + number).astype(str).astype(object)
    table = Table({"shop": shop, "day": day, "plan": number, "sales": number * 1.0}, "sales")
    windows = Windows(WindowSpec(past=3, horizon=2, series="shop", known=known), "day")
    rows, warning = forecastable(windows, table, ("sales",))
    assert set(rows.columns["shop"]) == {"a", "c"}
    assert warning == (
        f'2 of 4 series are left out, the first "b" with 1 row: a forecast takes {needed}'
    )
    with_future(windows, rows, ("sales",))  # a single row has no interval to continue
    short = table.take(np.isin(shop, ["b", "d"]).nonzero()[0])
    with pytest.raises(DataError, match=f'the series "d" .* too few: a forecast takes {needed}'):
        forecastable(windows, short, ("sales",))
