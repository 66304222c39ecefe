from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.report.page.charts import (
    curve_positions,
    even_positions,
    histogram_chart,
)


@given(st.lists(st.integers(), min_size=1, max_size=300, unique=True), st.integers(4, 20))
def test_ends_and_extremes_of_a_curve_stay(values, most):
    y = np.array(values, float)
    remaining = curve_positions(y, most)
    assert list(remaining) == sorted(set(remaining.tolist()))
    assert (remaining[0], remaining[-1]) == (0, len(y) - 1)
    assert y[remaining].min() == y.min()
    assert y[remaining].max() == y.max()
    assert len(remaining) <= most + 2


@given(st.integers(1, 5000), st.integers(1, 100))
def test_even_positions_are_spread(n, most):
    remaining = even_positions(n, most)
    assert len(remaining) == min(n, most)
    assert remaining[0] == 0
    steps = np.diff(remaining)
    assert steps.size == 0 or (steps.min() >= 1 and steps.max() - steps.min() <= 1)


vl_convert = pytest.importorskip("vl_convert")


def labels(chart):
    """The texts of a chart's axes, the numbers' and the counts'."""
    schema = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": 200}
    drawn = vl_convert.vegalite_to_svg(chart.spec | schema)
    groups = re.findall(r'role-axis-label".*?</g>', drawn)
    return [
        [text.replace("\u2212", "-") for text in re.findall(r">([^<>]+)<", group)]
        for group in groups
    ]


def test_all_finite_numbers_are_counted():
    numbers = np.array([0.0, 1, 1, 2, np.nan, np.inf, -np.inf])
    chart = histogram_chart("numbers", numbers, "value")
    assert sum(bar["count"] for bar in chart.spec["data"]["values"]) == 4
    assert "4 numbers (value) from 0.000 to 2.000, median 1.000" in chart.description
    assert sum(int(count) for _, count in chart.table.rows) == 4


@pytest.mark.parametrize("most", [1, 2, 4, 40, 4000])
def test_counts_are_whole_numbers(most):
    counts = labels(histogram_chart("numbers", np.repeat([0.0, 1], most), "values", small=0))[1]
    assert counts[0] == "0"
    assert counts[-1] == f"{most:,}"
    assert len(set(counts)) == len(counts)
    assert all(re.fullmatch(r"[\d,]+", count) for count in counts)


@pytest.mark.parametrize("numbers", [np.zeros(9), np.full(9, np.nan), np.empty(0)])
def test_numbers_without_a_spread_have_a_chart_too(numbers):
    assert labels(histogram_chart("numbers", numbers, "value"))
