"""The value that a model of two inputs predicts over the plane, with the data on it."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.graph.model import Model
from declnet.report.page.charts.plane import MOST_POINTS, plane_chart, plane_points
from declnet.report.page.charts.style import CARD, quantity, tooltip
from declnet.report.page.content import Chart
from declnet.report.page.numbers import shown_number
from declnet.report.page.palette import rgb
from declnet.report.page.statistics.thinning import even_positions


def value_surface(model: Model, x: Array, true: Array, inputs: tuple[str, ...]) -> Chart:
    """The predicted value over the plane, and the samples in the colours of their true values.

    Args:
        model: of two inputs and one output.
        x: (n, 2) samples.
        true: (n,) values.
        inputs: their names.
    """
    grid, extent = plane_points(x)
    answers = model.predict(grid).reshape(-1).astype(float)
    low = float(min(answers.min(), true.min()))
    high = float(max(answers.max(), true.max()))
    ends = np.array([rgb(0), rgb(1)], float)
    share = ((answers - low) / ((high - low) or 1.0))[:, None]
    pixels = np.empty((len(grid), 4))
    pixels[:, :3] = (1 - share) * ends[0] + share * ends[1]
    pixels[:, 3] = 190
    kept = even_positions(len(x), MOST_POINTS)
    values = [
        {
            "x": float(x[i, 0]),
            "y": float(x[i, 1]),
            "true": float(true[i]),
            "shown": shown_number(float(true[i])),
        }
        for i in kept
    ]
    hexes = ["#{:02x}{:02x}{:02x}".format(*rgb(index)) for index in (0, 1)]
    points = {
        "data": {"values": values},
        "mark": {
            "type": "point",
            "filled": True,
            "size": 40,
            "opacity": 1,
            "stroke": CARD,
            "strokeWidth": 0.8,
        },
        "encoding": {
            "x": quantity("x", inputs[0]),
            "y": quantity("y", inputs[1]),
            "fill": quantity("true", "value", scale={"domain": [low, high], "range": hexes}),
            "tooltip": tooltip(("shown", "true value")),
        },
    }
    return Chart(
        "Response surface",
        f"Map of the predicted value over the two inputs, from {shown_number(low)} to "
        f"{shown_number(high)}, with the samples in the colours of their true values.",
        plane_chart(pixels, extent, points),
        note="The predicted value over the two inputs; samples show their true value.",
    )
