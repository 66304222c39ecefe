"""A histogram of many numbers."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.charts.style import colours, quantity, tooltip
from declnet.report.page.content import Chart, Table
from declnet.report.page.numbers import shown_number


def histogram_chart(
    title: str,
    numbers: Array,
    axis: str,
    *,
    note: str = "",
    height: int = 110,
    small: bool = False,
    series: int = 0,
) -> Chart:
    """Counts in bins of equal width.

    Args:
        title: of the chart.
        numbers: (n,); those that are not finite are left out.
        axis: what the numbers are.
        note: a line under the title.
        height: of the chart.
        small: whether it is one of many.
        series: whose colour the bars have.
    """
    finite = numbers[np.isfinite(numbers)].astype(float)
    counts, edges = np.histogram(finite, bins=24 if small else 32)
    values = [
        {
            "from": float(low),
            "to": float(high),
            "count": int(count),
            "range": f"{shown_number(float(low))} to {shown_number(float(high))}",
        }
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    spec = {
        "height": height,
        "data": {"values": values},
        "mark": {"type": "bar", "color": colours(series + 1)[series], "binSpacing": 1},
        "encoding": {
            "x": {
                **quantity(
                    "from",
                    axis,
                    axis={"tickCount": 3 if small else 5, "format": ".3~g"},
                    scale={"zero": False},
                ),
                "bin": "binned",
            },
            "x2": {"field": "to"},
            "y": quantity(
                "count", "count", axis={"tickCount": 3 if small else 5, "tickMinStep": 1}
            ),
            "tooltip": tooltip(("range", axis), ("count", "count")),
        },
    }
    if small:
        spec["encoding"]["y"]["title"] = None  # type: ignore[index]
        spec["encoding"]["x"]["title"] = None  # type: ignore[index]
    low, middle, high = (
        shown_number(float(f(finite)) if finite.size else None) for f in (np.min, np.median, np.max)
    )
    description = (
        f"Histogram of {len(finite)} numbers ({axis}) from {low} to {high}, median {middle}."
    )
    if small:
        return Chart(title, description, spec, None, note, small=True)
    rows = tuple((str(each["range"]), shown_number(each["count"])) for each in values)
    return Chart(title, description, spec, Table(title, (axis, "count"), rows), note)
