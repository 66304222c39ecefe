"""The plane of a model's two inputs: its points, and a chart of a picture of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.report.page.png import png_address

RESOLUTION = 220
"""Pixels of the plane, each way."""
MOST_POINTS = 600
"""Samples that are drawn on it."""


def plane_points(x: Array) -> tuple[Array, tuple[float, float, float, float]]:
    """Points over the plane, the top row first, and the plane's ends (left, right, low, high)."""
    (left, low), (right, high) = x.min(axis=0).astype(float), x.max(axis=0).astype(float)
    across, up = 0.06 * ((right - left) or 1.0), 0.06 * ((high - low) or 1.0)
    left, right, low, high = left - across, right + across, low - up, high + up
    centres = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    columns, rows = left + (right - left) * centres, high - (high - low) * centres
    plane = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return plane, (float(left), float(right), float(low), float(high))


def plane_chart(
    pixels: Array, extent: tuple[float, float, float, float], points: dict[str, Any]
) -> dict[str, Any]:
    """A chart of the picture and the points on it.

    Args:
        pixels: (points of the plane, 4), red, green, blue, opacity from 0 to 255.
        extent: the plane's ends, as `plane_points` gives them.
        points: the layer of the points.
    """
    address = png_address(pixels.reshape(RESOLUTION, RESOLUTION, 4))
    left, right, low, high = extent
    points["encoding"]["x"]["scale"] = {"domain": [left, right], "nice": False, "zero": False}
    points["encoding"]["y"]["scale"] = {"domain": [low, high], "nice": False, "zero": False}
    picture = {
        "data": {"values": [{"address": address}]},
        "mark": {
            "type": "image",
            "width": {"expr": "width"},
            "height": {"expr": "height"},
            "aspect": False,
            "align": "left",
            "baseline": "top",
        },
        "encoding": {
            "x": {"value": 0},
            "y": {"value": 0},
            "url": {"field": "address", "type": "nominal"},
        },
    }
    return {"height": 420, "layer": [picture, points]}
