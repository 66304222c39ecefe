from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.report.page.forecasts import LONGEST, forecast_charts

HORIZON = 3


def windows(values):
    return np.lib.stride_tricks.sliding_window_view(np.asarray(values, float), HORIZON)


def test_the_last_consecutive_windows_are_drawn_with_some_forecasts():
    first, last = windows(np.arange(9)), windows(np.arange(100, 109))
    true = np.concatenate([first, last])
    predicted = true + np.arange(3.0)
    forecasts, distances = forecast_charts(true, predicted)
    columns = dict(
        zip(forecasts.table.columns, zip(*forecasts.table.rows, strict=True), strict=True)
    )
    assert columns.pop("row") == (*range(1, 10),)
    assert columns.pop("true") == (*np.arange(100.0, 109.0),)
    assert [*columns] == ["forecast from row 1", "forecast from row 4", "forecast from row 7"]
    middle = columns["forecast from row 4"]
    assert middle == (None, None, None, 103.0, 105.0, 107.0, None, None, None)
    drawn = forecasts.spec["data"]["values"]
    assert {point["series"] for point in drawn} == {"true", *columns}
    assert distances.table.rows == ((1, 0.0), (2, 1.0), (3, 2.0))


@pytest.mark.parametrize(
    ("true", "titles"),
    [
        (windows(np.arange(99)), ["Forecasts", "Error by rows ahead"]),
        (windows(np.arange(99))[::2], ["Error by rows ahead"]),  # not consecutive
        (windows(np.arange(4))[:1], ["Error by rows ahead"]),
        (np.arange(9.0)[:, None], []),
    ],
)
def test_forecasts_are_drawn_for_consecutive_windows(true, titles):
    charts = [*forecast_charts(true, true)]
    assert [chart.title for chart in charts] == titles
    for chart in charts[:-1]:
        assert len(chart.table.rows) == LONGEST * HORIZON
