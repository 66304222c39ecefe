from __future__ import annotations

import pytest

from declnet_plugins.report.page.formatting import (
    format_duration,
    format_number,
    format_shape,
    format_time,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.382, "0.3820"),
        (1.0, "1.000"),
        (0.0, "0"),
        (-3e-14, "0"),
        (0.00012345, "1.23e-04"),
        (-0.5, "-0.5000"),
        (2155.0, "2155"),
        (12345.6, "12,346"),
        (3.2e9, "3.20e+09"),
        (4000, "4,000"),
        (float("nan"), "\u2013"),
        (float("inf"), "\u2013"),
        (None, "\u2013"),
        (True, "True"),
        ("text", "text"),
    ],
)
def test_numbers(value, shown):
    assert format_number(value) == shown


def test_shapes():
    assert format_shape((3, 28, 28)) == "3 \u00d7 28 \u00d7 28"
    assert format_shape(()) == "1"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.456, "0.46 s"), (59.94, "59.9 s"), (252.4, "4 min 12 s"), (7384, "2 h 3 min")],
)
def test_durations(seconds, shown):
    assert format_duration(seconds) == shown


def test_times():
    assert format_time("2025-11-25T02:51:33.123+00:00") == "25 Nov 2025, 02:51 UTC"
    assert format_time("yesterday") == "yesterday"
