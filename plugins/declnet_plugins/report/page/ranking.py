"""ROC and precision-recall curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.report.drawing import DASHES
from declnet_plugins.report.page.charts import (
    LINE_LEGEND,
    LINES,
    MUTED,
    category,
    colors,
    even_positions,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart, Table
from declnet_plugins.report.page.formatting import format_number

MOST_CURVES = 8
POINTS = 150
"""Maximum number of points in a curve."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Both curves, with a point for each threshold, strictest first.

    Attributes:
        false_positive_rate: from 0.
        true_positive_rate: from 0; also the recall.
        precision: 1 at the first point, where nothing is predicted.
        roc_area: the area under the ROC curve, by the trapezoidal rule.
        average_precision: the sum of precision times the step in recall.
    """

    false_positive_rate: Array
    true_positive_rate: Array
    precision: Array
    roc_area: float
    average_precision: float


def rank(scores: Array, positive: Array) -> Ranking | None:
    """Rank samples by score; return None unless there are positive and negative samples.

    Args:
        scores: (n,), higher means more likely positive; equal scores count as one threshold.
        positive: (n,) booleans.

    Source: Fawcett, An introduction to ROC analysis, 2006, algorithms 1 and 2.
    """
    positives = int(np.count_nonzero(positive))
    if positives in (0, len(positive)):
        return None
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], positive[order]
    last_of_equals = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    true_positives = np.concatenate([[0], np.cumsum(hits)[last_of_equals]])
    predicted = np.concatenate([[0], last_of_equals + 1])
    false_rate = (predicted - true_positives) / (len(positive) - positives)
    true_rate = true_positives / positives
    precision = np.divide(
        true_positives, predicted, out=np.ones(len(predicted)), where=predicted > 0
    )
    area = float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))
    average = float(np.sum(np.diff(true_rate) * precision[1:]))
    return Ranking(false_rate, true_rate, precision, area, average)


def ranking_charts(names: Sequence[str], rankings: Sequence[Ranking | None]) -> tuple[Chart, ...]:
    """Return both charts; none if no class can be ranked.

    Args:
        names: of the classes.
        rankings: the ranking of each class, or None.
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
            (name, format_number(each.roc_area), format_number(each.average_precision))
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
    legend = None if len(names) == 1 else LINE_LEGEND
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
        "color": category("name", names, colors(len(names)), legend=legend),
        "strokeDash": category("name", names, DASHES[: len(names)], legend=legend),
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
            "sx": format_number(float(x[position])),
            "sy": format_number(float(y[position])),
        }
        for at, position in enumerate(kept)
    ]


def _corners(x: Array, y: Array) -> Array:
    """Return a curve's ends and turning points; collinear points add nothing."""
    if len(x) < 3:
        return np.arange(len(x))
    cross = np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]
    return np.concatenate([[0], np.flatnonzero(np.abs(cross) > 1e-12) + 1, [len(x) - 1]])
