"""Curves as a Vega-Lite chart."""

from __future__ import annotations

from typing import Any

from declnet.report.page.charts.series import Curves
from declnet.report.page.charts.style import CARD, LINE_LEGEND, colours, near_tooltip, quantity
from declnet.report.page.palette import DASHES, SHAPES

HOVER = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}


def curve_spec(curves: Curves) -> dict[str, Any]:
    """Colours tell runs apart, or the data sets of a single run; dashes always tell data sets.

    Lines of several runs have points in a shape of the run's own, too.
    """
    values = curves.values()
    constant = len({row["value"] for row in values}) == 1
    layers = [_lines(curves), _pointer(curves)]
    if curves.several:
        layers.insert(1, _marks(curves.runs))
    return {
        "height": 260,
        "data": {"values": values},
        "encoding": {
            "x": quantity("epoch", "epoch", scale={"nice": False}),
            "y": quantity("value", curves.title, scale={"zero": constant, "nice": True}),
            "color": _colour(curves),
        },
        "layer": layers,
    }


def _colour(curves: Curves) -> dict[str, Any]:
    field, domain = ("run", curves.runs) if curves.several else ("set", curves.parts or [""])
    legend: dict[str, Any] | None = {} if curves.several else LINE_LEGEND
    if len(domain) == 1:
        legend = None
    scale = {"domain": domain, "range": colours(len(domain))}
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend}


def _lines(curves: Curves) -> dict[str, Any]:
    encoding: dict[str, Any] = {"detail": [{"field": "run"}, {"field": "set"}]}
    parts = curves.parts
    if len(parts) > 1:
        scale = {"domain": parts, "range": list(DASHES[: len(parts)])}
        dash = {"field": "set", "type": "nominal", "scale": scale, "legend": LINE_LEGEND}
        encoding["strokeDash"] = dash
    return {
        "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"},
        "encoding": encoding,
    }


def _marks(runs: list[str]) -> dict[str, Any]:
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(runs))]
    return {
        "transform": [{"filter": "datum.marked"}],
        "mark": {
            "type": "point",
            "filled": True,
            "size": 90,
            "opacity": 1,
            "stroke": CARD,
            "strokeWidth": 0.8,
        },
        "encoding": {
            "shape": {
                "field": "run",
                "type": "nominal",
                "scale": {"domain": runs, "range": shapes},
                "legend": {} if len(runs) > 1 else None,
            }
        },
    }


def _pointer(curves: Curves) -> dict[str, Any]:
    """The point next to the pointer, which shows itself and its values."""
    about = [("run", "run")] if curves.several else []
    about += [("set", "data")] if curves.parts else []
    near = {"param": "hover", "empty": False, "value": 1}
    return {
        "mark": {"type": "point", "filled": True, "size": 80},
        "params": [{"name": "hover", "select": HOVER}],
        "encoding": {
            "opacity": {"condition": near, "value": 0},
            "tooltip": near_tooltip(*about, ("epoch", "epoch"), ("shown", curves.title)),
        },
    }
