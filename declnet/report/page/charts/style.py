"""How all charts look; colours are the page's, so that its themes and print redraw nothing."""

from __future__ import annotations

import json
from typing import Any

from declnet.report.page.palette import series_colour

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
"""The configuration that every chart gets."""


def colours(count: int) -> list[str]:
    """The colours of that many series."""
    return [series_colour(index) for index in range(count)]


def quantity(field: str, title: str | None, **more: Any) -> dict[str, Any]:
    """An axis of numbers; without a title if that is None."""
    return {"field": field, "type": "quantitative", "title": title, **more}


def near_tooltip(*fields: tuple[str, str]) -> dict[str, Any]:
    """What the point next to the pointer says: fields and their titles.

    Vega-Lite 6 shows "undefined" for fields of a selection with `nearest`, whose datum lies one
    deeper (vega/vega-lite pull request 9707), so an expression takes it from there.
    """
    near = "(datum.datum || datum)"
    parts = (f"{json.dumps(title)}: {near}[{json.dumps(field)}]" for field, title in fields)
    return {"value": {"expr": f"{{{', '.join(parts)}}}"}}


def tooltip(*fields: tuple[str, str]) -> list[dict[str, Any]]:
    """What a point says: fields and their titles."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in fields]
