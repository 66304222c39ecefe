"""Parts of Vega-Lite specs and selection of points, shared by all charts.

Colors come from the style sheet, so themes and printing need no redraw.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np

from declnet import Array
from declnet_report.palette import series_color

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


def colors(count: int) -> list[str]:
    """Return the colors of `count` series."""
    return [series_color(index) for index in range(count)]


def quantity(field: str, title: str | None, **more: Any) -> dict[str, Any]:
    """Return a quantitative axis, untitled if the title is None."""
    return {"field": field, "type": "quantitative", "title": title, **more}


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
    kept = {0, n - 1}
    for start, end in pairwise(edges):
        stretch = y[start:end]
        kept |= {int(start + stretch.argmin()), int(start + stretch.argmax())}
    return np.array(sorted(kept))
