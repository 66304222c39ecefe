"""The value that a model of one input predicts, as a curve, with the data."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.graph.model import Model
from declnet.report.page.charts.style import colours, quantity
from declnet.report.page.content import Chart
from declnet.report.page.numbers import shown_number
from declnet.report.page.statistics.thinning import even_positions

MOST_POINTS = 600


def value_curve(model: Model, x: Array, true: Array, name: str) -> Chart:
    """The predicted value over the single input, and the samples.

    Args:
        model: of one input and one output.
        x: (n, 1) samples.
        true: (n,) values.
        name: of the input.
    """
    low, high = float(x.min()), float(x.max())
    grid = np.linspace(low, high, 240)
    answers = model.predict(grid[:, None]).reshape(-1)
    kept = even_positions(len(x), MOST_POINTS)
    samples = [{"x": float(x[i, 0]), "y": float(true[i]), "what": "data"} for i in kept]
    line = [
        {"x": a, "y": b, "what": "prediction"}
        for a, b in zip(grid.tolist(), answers.astype(float).tolist(), strict=True)
    ]
    scale = {"domain": ["prediction", "data"], "range": colours(2)}
    across = quantity("x", name, scale={"zero": False, "nice": False})
    encoding = {
        "x": across,
        "y": quantity("y", "value", scale={"zero": False}),
        "color": {
            "field": "what",
            "type": "nominal",
            "scale": scale,
            "legend": {"symbolOpacity": 1},
        },
    }
    spec = {
        "height": 320,
        "encoding": encoding,
        "layer": [
            {
                "data": {"values": samples},
                "mark": {"type": "point", "filled": True, "size": 40, "opacity": 0.45},
            },
            {"data": {"values": line}, "mark": {"type": "line", "strokeWidth": 2.5}},
        ],
    }
    return Chart(
        "Fit",
        f"The model's answer as a curve over its input from {shown_number(low)} to "
        f"{shown_number(high)}, with the samples as points.",
        spec,
        note="What the model answers over its input, and the data.",
        wide=True,
    )
