"""Pictures of charts as files, drawn by the Vega-Lite of the extra `report`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from declnet import OutputError, escaped
from declnet_plugins.report.commands import require_folder, write_file
from declnet_plugins.report.drawing import LIGHT, series_color
from declnet_plugins.report.page.charts import CARD, CONFIG, INK, LINES, MUTED
from declnet_plugins.report.page.content import Chart

SUFFIXES = (".png", ".svg")

WIDTH, WIDE = 420, 930
"""Widths of charts, in pixels, of which a PNG has two for each."""

LEGEND = {
    "orient": "bottom",
    "labelLimit": 400,
    "layout": {"bottom": {"direction": "vertical", "anchor": "start", "margin": 2}},
}
"""Below a chart, so that the charts of a row begin at the same height."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

COLORS = {INK: "#1b1e22", MUTED: "#59616a", LINES: "#e2e3e1", CARD: "#ffffff"} | {
    series_color(index): color for index, color in enumerate(LIGHT)
}
"""The light colors of the page's style sheet."""

INTERACTIVE = ("params", "condition", "tooltip", "config")
"""Keys of a spec that only a page needs, or that a part of a spec cannot have."""


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be drawn or written.

    Raises:
        OutputError: the folder is missing, or the suffix is not an image format's.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a picture's name ends in {' or '.join(SUFFIXES)}")
    require_folder(path)


def save_picture(charts: Sequence[Chart], path: Path, title: str = "") -> None:
    """Write charts, two in a row or a wide one, in the format of the file's suffix.

    Args:
        charts: at least one.
        path: checked by `check_picture`.
        title: a line above them.

    Raises:
        OutputError: the file cannot be written.
    """
    import vl_convert

    spec = picture_spec(charts, title)
    if path.suffix.lower() == ".svg":
        write_file(path, vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode())
    else:
        write_file(path, vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))


def picture_spec(charts: Sequence[Chart], title: str = "") -> dict[str, Any]:
    """Return the Vega-Lite spec of several charts: light, and without what a pointer would show.

    A legend is shown once for all charts with the same series.
    """
    rows: list[list[dict[str, Any]]] = []
    full, legends = True, []
    for chart in charts:
        if full or chart.wide:
            rows.append([])
        full = chart.wide or len(rows[-1]) == 1
        color = chart.spec["encoding"].get("color", {})
        names = color["scale"]["domain"] if color.get("legend") else []
        heading = {"text": chart.title, "subtitle": chart.note}
        panel = {**chart.spec, "width": WIDE if chart.wide else WIDTH, "title": heading}
        rows[-1].append(_static(panel, legend=names not in legends))
        legends.append(names)
    top = {"text": title, "fontSize": 11, "fontWeight": "normal", "color": MUTED}
    longest = max((len(name) for names in legends for name in names), default=0)
    styles = {
        "background": "white",
        "padding": 16,
        "axisX": {**CONFIG["axisX"], "grid": True},
        "legend": {
            **CONFIG["legend"],
            **LEGEND,
            "columns": max(1, 2 * WIDTH // (60 + 7 * longest)),
        },
        "title": {
            "anchor": "start",
            "frame": "group",
            "fontSize": 14,
            "color": INK,
            "subtitleColor": MUTED,
            "subtitlePadding": 6,
        },
    }
    independent = {"scale": {"color": "independent", "strokeDash": "independent"}}
    parts = [{"hconcat": row, "resolve": independent} for row in rows]
    spec = {"title": top, "vconcat": parts, "resolve": independent}
    return {"$schema": SCHEMA, **_static(spec), "config": _static({**CONFIG, **styles})}


def _static(value: Any, *, legend: bool = True) -> Any:
    """Return a part of a spec in light colors, without what needs a pointer."""
    if isinstance(value, dict):
        return {
            key: None if key == "legend" and not legend else _static(item, legend=legend)
            for key, item in value.items()
            if key not in INTERACTIVE
        }
    if isinstance(value, list | tuple):
        return [_static(item, legend=legend) for item in value]
    if isinstance(value, str):
        return COLORS.get(value, escaped(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
