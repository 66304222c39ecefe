"""ROC and precision-recall curves, one class against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.charts.style import LINE_LEGEND, LINES, MUTED, colours, quantity, tooltip
from declnet.report.page.content import Chart, Table
from declnet.report.page.numbers import shown_number
from declnet.report.page.palette import DASHES
from declnet.report.page.statistics.ranking import Ranking
from declnet.report.page.statistics.thinning import even_positions

MOST_CURVES = 8
POINTS = 150
"""Of a curve, at least its ends."""


def ranking_charts(names: Sequence[str], rankings: Sequence[Ranking | None]) -> tuple[Chart, ...]:
    """Both charts; none if no class can be ranked.

    Args:
        names: of the classes.
        rankings: of each class, or None.
    """
    known = [(name, each) for name, each in zip(names, rankings, strict=True) if each is not None]
    if not known:
        return ()
    drawn = sorted(known, key=lambda pair: pair[1].roc_area)[:MOST_CURVES]
    drawn = [pair for pair in known if pair in drawn]
    note = "" if len(drawn) == len(known) else f"The {len(drawn)} classes with the smallest area."
    table = Table(
        "Areas under the curves by class",
        ("class", "ROC area", "average precision"),
        tuple(
            (name, shown_number(each.roc_area), shown_number(each.average_precision))
            for name, each in known
        ),
    )
    areas = ", ".join(f"{name} {each.roc_area:.3f}" for name, each in drawn)
    means = ", ".join(f"{name} {each.average_precision:.3f}" for name, each in drawn)
    roc = Chart(
        "ROC curve",
        f"Receiver operating characteristic, true against false positive rate. Areas: {areas}.",
        _spec(drawn, ("false_positive_rate", "true_positive_rate"), [(0, 0), (1, 1)]),
        table,
        note or "One class against the rest; the dotted line is chance.",
    )
    precision = Chart(
        "Precision and recall",
        f"Precision against recall. Average precisions: {means}.",
        _spec(drawn, ("true_positive_rate", "precision"), []),
        table,
        note or "One class against the rest.",
    )
    return roc, precision


_TITLES = {
    "false_positive_rate": "false positive rate",
    "true_positive_rate": "true positive rate",
    "precision": "precision",
}


def _spec(
    drawn: Sequence[tuple[str, Ranking]], axes: tuple[str, str], chance: list[tuple[int, int]]
) -> dict[str, Any]:
    names = [name for name, _ in drawn]
    values = [row for name, each in drawn for row in _points(name, each, axes)]
    across = "recall" if axes[1] == "precision" else _TITLES[axes[0]]
    unit = {"domain": [0, 1]}
    legend = {"legend": None if len(names) == 1 else LINE_LEGEND}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear", "clip": False},
            "encoding": {"order": {"field": "at", "type": "quantitative"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0},
            "encoding": {
                "tooltip": tooltip(("name", "class"), ("sx", across), ("sy", _TITLES[axes[1]]))
            },
        },
    ]
    encoded = {
        "x": quantity("x", across, scale=unit),
        "y": quantity("y", _TITLES[axes[1]], scale=unit),
        "color": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": names, "range": colours(len(names))},
            **legend,
        },
        "strokeDash": {
            "field": "name",
            "type": "nominal",
            "scale": {"domain": names, "range": [DASHES[i] for i in range(len(names))]},
            **legend,
        },
    }
    curves: dict[str, Any] = {"data": {"values": values}, "encoding": encoded, "layer": layers}
    diagonal = {
        "data": {"values": [{"x": x, "y": y} for x, y in chance]},
        "mark": {"type": "line", "strokeDash": [2, 4], "stroke": MUTED, "strokeWidth": 1},
        "encoding": {"x": quantity("x", across), "y": quantity("y", _TITLES[axes[1]])},
    }
    return {
        "height": 300,
        "config": {"axisX": {"grid": True, "gridColor": LINES}},
        "layer": [diagonal, curves] if chance else [curves],
    }


def _points(name: str, ranking: Ranking, axes: tuple[str, str]) -> list[dict[str, Any]]:
    x, y = (np.asarray(getattr(ranking, axis)) for axis in axes)
    kept = _corners(x, y)
    kept = kept[even_positions(len(kept), POINTS)]
    return [
        {
            "name": name,
            "at": at,
            "x": round(float(x[position]), 5),
            "y": round(float(y[position]), 5),
            "sx": shown_number(float(x[position])),
            "sy": shown_number(float(y[position])),
        }
        for at, position in enumerate(kept)
    ]


def _corners(x: Array, y: Array) -> Array:
    """Where a curve turns, and its ends; what lies between two on a straight line adds nothing."""
    if len(x) < 3:
        return np.arange(len(x))
    cross = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]
    return np.concatenate([[0], np.flatnonzero(np.abs(cross) > 1e-12) + 1, [len(x) - 1]])
