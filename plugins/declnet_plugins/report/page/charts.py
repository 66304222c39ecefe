"""Parts of Vega-Lite specs and selection of points, shared by all charts; histograms.

Colors come from the style sheet, so themes and printing need no redraw.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from declnet import Array, AxisScale, ResultTable, format_cell
from declnet_plugins.report.drawing import DASHES, series_color
from declnet_plugins.report.page.content import Chart

INK, MUTED, LINES, CARD = "var(--ink)", "var(--muted)", "var(--lines)", "var(--card)"

LINE_LEGEND: dict[str, Any] = {"symbolType": "stroke", "symbolSize": 320}
"""A legend with lines instead of points."""

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "system-ui, sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": LINES,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelPadding": 7,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "tickCount": 5,
    },
    "axisX": {"grid": False, "domain": True, "domainColor": LINES},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": INK,
        "labelFontSize": 12,
        "labelLimit": 220,
        "symbolSize": 140,
        "symbolStrokeWidth": 2.5,
        "columnPadding": 18,
        "offset": 10,
        "layout": {"top": {"direction": "vertical", "anchor": "start", "margin": 2}},
    },
    "header": {"labelColor": INK},
}
"""The configuration of every chart."""

HEIGHT = 300
"""Height of a chart, in pixels."""

BINS, BINS_OF_SMALL = 32, 24

FEW_POINTS = 40
"""Number of points of a line up to which each is marked."""

FEW = 4
"""Largest count for which every count gets an axis label."""


def colors(count: int) -> list[str]:
    """Return the colors of `count` series."""
    return [series_color(index) for index in range(count)]


def quantity(field: str, title: str | None, **more: Any) -> dict[str, Any]:
    """Return a quantitative axis, untitled if the title is None."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def category(
    field: str, domain: Sequence[str], marks: Sequence[Any], **more: Any
) -> dict[str, Any]:
    """Return an encoding of each value in `domain` by its color, dashes or shape."""
    scale = {"domain": domain, "range": marks}
    return {"field": field, "type": "nominal", "scale": scale, **more}


def line_point(
    series: str, place: tuple[float | str, float], texts: tuple[str, str], **more: Any
) -> dict[str, Any]:
    """Return a point for `lines_spec`, with the texts of its x and y, and further fields."""
    (x, y), (x_text, y_text) = place, texts
    return {"series": series, "x": x, "y": y, "sx": x_text, "sy": y_text, **more}


def tooltip(*fields: tuple[str, str]) -> list[dict[str, Any]]:
    """Return a point's tooltip, from fields and their titles."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in fields]


def near_tooltip(*fields: tuple[str, str]) -> dict[str, Any]:
    """Return the tooltip of the point nearest to the pointer, from fields and their titles.

    Vega-Lite 6 shows "undefined" for fields of a selection with `nearest`, whose datum is nested
    one level deeper (vega/vega-lite pull request 9707), so an expression reads it from there.
    """
    near = "(datum.datum || datum)"
    parts = (f"{json.dumps(title)}: {near}[{json.dumps(field)}]" for field, title in fields)
    return {"value": {"expr": f"{{{', '.join(parts)}}}"}}


_HOVER = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}


def lines_spec(
    points: Sequence[dict[str, Any]],
    names: Sequence[str],
    titles: tuple[str | None, str | None],
    details: Sequence[tuple[str, str]] = (),
    *,
    unit: bool = False,
    diagonal: bool = False,
    palette: Sequence[str] | None = None,
    scale: AxisScale | None = None,
) -> dict[str, Any]:
    """Return a chart of lines through points, in order, with the values next to the pointer.

    Args:
        points: from `line_point`.
        names: the names of the series.
        titles: of both axes.
        details: further fields that a tooltip shows, with their titles.
        unit: whether both axes are from 0 to 1.
        diagonal: whether there is a dotted line on which both are equal.
        palette: the color of each series; default: all different.
        scale: that of the y axis, which may hide some points; default: linear, with all of them.
    """
    constant = len({point["y"] for point in points}) == 1
    scales: list[dict[str, Any]] = [{"zero": False, "nice": False}, {"zero": constant}]
    if unit:
        scales = [{"domain": [0, 1]}] * 2
    hides = scale is not None and scale.hidden > 0
    if scale is not None and scale.logarithmic:
        scales[1] = {"type": "log", "zero": False}
    if scale is not None and hides:
        scales[1] |= {"domain": [scale.low, scale.high], "zero": False, "nice": False}
    x, y = quantity("x", titles[0], scale=scales[0]), quantity("y", titles[1], scale=scales[1])
    legend = None if len(names) == 1 else LINE_LEGEND
    shown = 1 if len(points) <= FEW_POINTS * len(names) else 0
    near = {"param": "hover", "empty": False, "value": 1}
    about = near_tooltip(*details, ("sx", titles[0] or "at"), ("sy", titles[1] or "value"))
    curves: dict[str, Any] = {
        "data": {"values": [{**point, "at": at} for at, point in enumerate(points)]},
        "encoding": {
            "x": x,
            "y": y,
            "color": category("series", names, palette or colors(len(names)), legend=legend),
            "strokeDash": category("series", names, DASHES[: len(names)], legend=legend),
        },
        "layer": [
            {
                "mark": {"type": "line", "strokeWidth": 2, "clip": hides},
                "encoding": {"order": {"field": "at", "type": "quantitative"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "clip": hides},
                "params": [{"name": "hover", "select": _HOVER}],
                "encoding": {"opacity": {"condition": near, "value": shown}, "tooltip": about},
            },
        ],
    }
    if scale is not None and hides:
        if any(point["y"] > scale.high for point in points):
            above = f"datum.y > {scale.high!r}"
            curves["layer"].append(_beyond("above", above, "triangle-up", 5))
        if any(point["y"] < scale.low for point in points):
            below = f"datum.y < {scale.low!r}"
            curves["layer"].append(_beyond("below", below, "triangle-down", HEIGHT - 5))
    frame = {"height": HEIGHT, "config": {"axisX": {"grid": True, "gridColor": LINES}}}
    if not diagonal:
        return {**frame, **curves}
    reference = {
        "data": {"values": [{"x": end, "y": end} for end in (0, 1)]},
        "mark": {"type": "line", "strokeDash": [2, 4], "stroke": MUTED, "strokeWidth": 1},
        "encoding": {"x": x, "y": y},
    }
    return {**frame, "layer": [reference, curves]}


def _beyond(name: str, condition: str, shape: str, y: int) -> dict[str, Any]:
    """Return marks at an end of the axis for the points beyond it, which the page can remove."""
    return {
        "name": f"beyond_{name}",
        "transform": [{"filter": condition}],
        "mark": {"type": "point", "filled": True, "shape": shape, "size": 70},
        "encoding": {"y": {"value": y}, "strokeDash": {"value": [1, 0]}},
    }


def even_positions(n: int, most: int) -> Array:
    """Return at most `most` of n positions, evenly spaced."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.intp)


def curve_positions(y: Array, most: int) -> Array:
    """Return the points of a curve to draw: its ends and the extremes of each interval.

    Args:
        y: (n,) finite numbers, in the order of the curve.
        most: the approximate number of points to keep; at least 4.
    """
    n = len(y)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(np.intp)
    positions = {0, n - 1}
    for start, end in pairwise(edges):
        stretch = y[start:end]
        positions |= {int(start + stretch.argmin()), int(start + stretch.argmax())}
    return np.array(sorted(positions))


def histogram_chart(
    title: str, numbers: Array, what: str, note: str = "", *, small: int | None = None
) -> Chart:
    """Return a histogram with bins of equal width, and its counts as a table.

    Args:
        title: of the chart.
        numbers: (n,); those that are not finite are left out.
        what: what the numbers are.
        note: a line under the title.
        small: for one of many histograms, without axis titles or a table, the series whose color
            the bars use.
    """
    finite: Array = numbers[np.isfinite(numbers)].astype(float)
    low, middle, high = (
        format_cell(float(f(finite)) if finite.size else None) for f in (np.min, np.median, np.max)
    )
    described = f"Histogram of {len(finite)} numbers ({what}) from {low} to {high}"
    described += f", median {middle}."
    if small is not None:
        spec = _histogram_spec(_bins(finite, BINS_OF_SMALL), 110, small, 3, (None, None))
        return Chart(title, described, spec, note=what, small=True)
    bins = _bins(finite, BINS)
    rows = tuple((bar["range"], bar["count"]) for bar in bins)
    table = ResultTable(title, (what, "count"), rows, kinds={"count": "number"})
    return Chart(title, described, _histogram_spec(bins, 300, 0, 5, (what, "count")), table, note)


def _bins(finite: Array, count: int) -> list[dict[str, Any]]:
    counts, edges = np.histogram(finite, bins=count)
    return [
        {
            "from": float(low),
            "to": float(high),
            "count": int(inside),
            "range": f"{format_cell(float(low))} to {format_cell(float(high))}",
        }
        for inside, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]


def _histogram_spec(
    bins: list[dict[str, Any]],
    height: int,
    series: int,
    ticks: int,
    titles: tuple[str | None, str | None],
) -> dict[str, Any]:
    top = max(bar["count"] for bar in bins)
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
