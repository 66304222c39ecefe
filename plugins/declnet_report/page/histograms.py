"""Histograms of many numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Array
from declnet_report.page.charts import colors, quantity, tooltip
from declnet_report.page.content import Chart, Table
from declnet_report.page.formatting import format_number

BINS, BINS_OF_SMALL = 32, 24
FEW = 4
"""Largest count for which every count gets an axis label."""


def histogram_chart(title: str, numbers: Array, what: str, note: str = "") -> Chart:
    """Return a histogram with bins of equal width, and its counts as a table.

    Args:
        title: of the chart.
        numbers: (n,); those that are not finite are left out.
        what: what the numbers are.
        note: a line under the title.
    """
    bins = _bins(numbers, BINS)
    spec = _spec(bins, 300, 0, 5, (what, "count"))
    rows = tuple((each["range"], format_number(each["count"])) for each in bins)
    table = Table(title, (what, "count"), rows)
    return Chart(title, _description(numbers, what), spec, table, note)


def small_histogram(title: str, numbers: Array, what: str, series: int) -> Chart:
    """Return one of many histograms, without axis titles or a table.

    Args:
        title: of the chart.
        numbers: (n,); those that are not finite are left out.
        what: what the numbers are, shown under the title.
        series: the series whose color the bars use.
    """
    spec = _spec(_bins(numbers, BINS_OF_SMALL), 110, series, 3, (None, None))
    return Chart(title, _description(numbers, what), spec, note=what, small=True)


def _bins(numbers: Array, count: int) -> list[dict[str, Any]]:
    counts, edges = np.histogram(_finite(numbers), bins=count)
    return [
        {
            "from": float(low),
            "to": float(high),
            "count": int(inside),
            "range": f"{format_number(float(low))} to {format_number(float(high))}",
        }
        for inside, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _spec(
    bins: list[dict[str, Any]],
    height: int,
    series: int,
    ticks: int,
    titles: tuple[str | None, str | None],
) -> dict[str, Any]:
    top = max(each["count"] for each in bins)
    counts = {"values": list(range(top + 1))} if top <= FEW else {"tickCount": ticks}
    across = {"tickCount": ticks, "format": ".3~g"}
    x = quantity("from", titles[0], axis=across, scale={"zero": False})
    return {
        "height": height,
        "data": {"values": bins},
        "mark": {"type": "bar", "color": colors(series + 1)[series], "binSpacing": 1},
        "encoding": {
            "x": {**x, "bin": "binned"},
            "x2": {"field": "to"},
            "y": quantity("count", titles[1], axis={**counts, "format": ",d"}),
            "tooltip": tooltip(("range", "from"), ("count", "count")),
        },
    }


def _description(numbers: Array, what: str) -> str:
    finite = _finite(numbers)
    low, middle, high = (
        format_number(float(f(finite)) if finite.size else None)
        for f in (np.min, np.median, np.max)
    )
    return f"Histogram of {len(finite)} numbers ({what}) from {low} to {high}, median {middle}."


def _finite(numbers: Array) -> Array:
    finite: Array = numbers[np.isfinite(numbers)].astype(float)
    return finite
