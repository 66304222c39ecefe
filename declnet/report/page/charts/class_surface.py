"""The class that a model of two inputs predicts over the plane, with the data on it."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.graph.model import Model
from declnet.report.page.charts.plane import MOST_POINTS, plane_chart, plane_points
from declnet.report.page.charts.style import CARD, INK, colours, quantity, tooltip
from declnet.report.page.content import Chart
from declnet.report.page.numbers import shown_number
from declnet.report.page.palette import SHAPES, rgb
from declnet.report.page.statistics.thinning import even_positions

FAINT, STRONG = 40, 125
"""Opacity of an answer that is a guess, and of one that is sure; of 255."""


def class_surface(
    model: Model,
    x: Array,
    true: Array,
    predicted: Array,
    names: list[str],
    inputs: tuple[str, ...],
    threshold: float,
) -> Chart:
    """The predicted class over the plane, the stronger the surer, and the samples.

    Args:
        model: of two inputs.
        x: (n, 2) samples.
        true: (n,) labels.
        predicted: (n,) labels.
        names: of the classes.
        inputs: their names.
        threshold: above which a single output says 1.
    """
    grid, extent = plane_points(x)
    answers = model.predict(grid)
    labels, sureness = _labels(answers.reshape(len(grid), -1), threshold)
    palette = np.array([rgb(index) for index in range(len(names))])
    pixels = np.empty((len(grid), 4))
    pixels[:, :3] = palette[labels]
    pixels[:, 3] = FAINT + (STRONG - FAINT) * sureness
    kept = even_positions(len(x), MOST_POINTS)
    values = [
        {
            "x": float(x[i, 0]),
            "y": float(x[i, 1]),
            "class": names[true[i]],
            "predicted": names[predicted[i]],
            "wrong": bool(true[i] != predicted[i]),
            "at": f"{shown_number(float(x[i, 0]))}, {shown_number(float(x[i, 1]))}",
        }
        for i in kept
    ]
    wrong = int(np.count_nonzero(true != predicted))
    shown = min(len(names), len(SHAPES))
    shapes = [SHAPES[index % shown] for index in range(len(names))]
    outlined = {"test": "datum.wrong"}
    points = {
        "data": {"values": values},
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            "x": quantity("x", inputs[0]),
            "y": quantity("y", inputs[1]),
            "color": {
                "field": "class",
                "type": "nominal",
                "scale": {"domain": names, "range": colours(len(names))},
            },
            "shape": {
                "field": "class",
                "type": "nominal",
                "scale": {"domain": names, "range": shapes},
            },
            "stroke": {"condition": {**outlined, "value": INK}, "value": CARD},
            "strokeWidth": {"condition": {**outlined, "value": 1.6}, "value": 0.6},
            "size": {"condition": {**outlined, "value": 80}, "value": 46},
            "tooltip": tooltip(("class", "class"), ("predicted", "predicted"), ("at", "at")),
        },
    }
    some = "" if len(kept) == len(x) else f" {len(kept)} of {len(x)} samples are drawn."
    return Chart(
        "Decision surface",
        f"Map of the predicted class over the two inputs, with the samples on it; {wrong} of "
        f"{len(x)} are predicted wrongly.",
        plane_chart(pixels, extent, points),
        note=f"The predicted class over the two inputs. Outlined samples are predicted "
        f"wrongly.{some}",
    )


def _labels(answers: Array, threshold: float) -> tuple[Array, Array]:
    """The class of each answer, and how sure it is from 0 to 1."""
    if answers.shape[1] == 1:
        scores = answers[:, 0].astype(float)
        reach = max(float(np.abs(scores - threshold).max()), 1e-12)
        return (scores > threshold).astype(np.intp), np.abs(scores - threshold) / reach
    ordered = np.sort(answers.astype(float), axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    return answers.argmax(axis=1), lead / max(float(lead.max()), 1e-12)
