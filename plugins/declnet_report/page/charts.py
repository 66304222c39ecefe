"""What all charts share: the parts of their Vega-Lite specs, and which points they draw.

Colors are the style sheet's, so that themes and print redraw nothing.
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
"""A legend of lines rather than of points."""

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
    """Return the colors of that many series."""
    return [series_color(index) for index in range(count)]


def quantity(field: str, title: str | None, **more: Any) -> dict[str, Any]:
    """Return an axis of numbers; without a title if that is None."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def tooltip(*fields: tuple[str, str]) -> list[dict[str, Any]]:
    """Return a point's tooltip of fields and their titles."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in fields]


def near_tooltip(*fields: tuple[str, str]) -> dict[str, Any]:
    """Return the tooltip of the point next to the pointer, of fields and their titles.

    Vega-Lite 6 shows "undefined" for fields of a selection with `nearest`, whose datum is nested
    one deeper (vega/vega-lite pull request 9707), so an expression takes it from there.
    """
    near = "(datum.datum || datum)"
    parts = (f"{json.dumps(title)}: {near}[{json.dumps(field)}]" for field, title in fields)
    return {"value": {"expr": f"{{{', '.join(parts)}}}"}}


def even_positions(n: int, most: int) -> Array:
    """Return at most that many of n positions, evenly spread."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.intp)


def curve_positions(y: Array, most: int) -> Array:
    """Return which points of a curve to draw: its ends, and the extremes of each stretch.

    Args:
        y: (n,) finite numbers, in the order of the curve.
        most: how many points to keep, about; at least 4.
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
