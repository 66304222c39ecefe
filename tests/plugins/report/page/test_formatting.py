from __future__ import annotations

import pytest

from declnet_plugins.report.page.formatting import (
    format_duration,
    format_shape,
    format_time,
)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (format_shape, {(3, 28, 28): "3 \u00d7 28 \u00d7 28", (): "1"}),
        (format_duration, {0.456: "0.46 s", 59.94: "59.9 s", 252.4: "4 min 12 s"}),
        (format_duration, {7384: "2 h 3 min"}),
        (format_time, {"2025-11-25T02:51:33.123+00:00": "25 Nov 2025, 02:51 UTC", "x": "x"}),
    ],
)
def test_values_are_formatted_briefly(function, values):
    assert {value: function(value) for value in values} == values
