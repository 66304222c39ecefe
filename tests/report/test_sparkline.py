from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.report.sparkline import BLOCKS, sparkline


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([7, 0], 8, "█▁"),
        ([3, 3, 3], 8, "▁▁▁"),
        ([], 8, ""),
        ([0, 2, 6, 8], 2, "▁█"),
        ([0, math.nan, 1], 8, "▁ █"),
        ([math.inf, 0, 1], 8, " ▁█"),
        ([-1e308, 1e308], 8, "▁█"),
    ],
)
def test_the_curve_is_scaled_from_the_smallest_to_the_largest(values, width, shown):
    assert sparkline(values, width) == shown


@given(st.lists(st.floats(-1e9, 1e9)), st.integers(1, 80))
def test_no_curve_is_wider_than_it_may_be(values, width):
    shown = sparkline(values, width)
    assert len(shown) == min(width, len(values))
    assert set(shown) <= set(BLOCKS)
