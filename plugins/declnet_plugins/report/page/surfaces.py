"""Predictions of a model with one or two inputs over their range, with the samples."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from declnet import Array, format_cell
from declnet_plugins.report.drawing import SHAPES, rgb
from declnet_plugins.report.page.charts import (
    CARD,
    INK,
    category,
    colors,
    even_positions,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart
from declnet_plugins.report.page.run_data import Predictions

RESOLUTION = 220
"""Width and height of the plane, in pixels."""
MOST_POINTS = 600
"""Maximum number of samples drawn on it."""
FAINT, STRONG = 40, 125
"""Opacity, out of 255, of a guess and of a certain prediction."""


def class_surface(
    predictions: Predictions, true: Array, predicted: Array, names: list[str]
) -> Chart:
    """Return a map of the predicted class, more opaque where surer, with the samples.

    Args:
        predictions: of a model with two inputs.
        true: (n,) labels.
        predicted: (n,) labels.
        names: of the classes.
    """
    x, inputs = predictions.x, predictions.input_names()
    grid, extent = plane_points(x)
    answers = predictions.answers(grid)
    labels, sureness = _labels(answers.reshape(len(grid), -1), predictions.reading.threshold)
    palette = np.array([rgb(index) for index in range(len(names))])
    pixels = np.empty((len(grid), 4))
    pixels[:, :3] = palette[labels]
    pixels[:, 3] = FAINT + (STRONG - FAINT) * sureness
    drawn = even_positions(len(x), MOST_POINTS)
    values = [
        {
            "x": float(x[i, 0]),
            "y": float(x[i, 1]),
            "class": names[true[i]],
            "predicted": names[predicted[i]],
            "wrong": bool(true[i] != predicted[i]),
            "at": f"{format_cell(float(x[i, 0]))}, {format_cell(float(x[i, 1]))}",
        }
        for i in drawn
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
            "color": category("class", names, colors(len(names))),
            "shape": category("class", names, shapes),
            "stroke": {"condition": {**outlined, "value": INK}, "value": CARD},
            "strokeWidth": {"condition": {**outlined, "value": 1.6}, "value": 0.6},
            "size": {"condition": {**outlined, "value": 80}, "value": 46},
            "tooltip": tooltip(("class", "class"), ("predicted", "predicted"), ("at", "at")),
        },
    }
    some = "" if len(drawn) == len(x) else f" {len(drawn)} of {len(x)} samples are drawn."
    return Chart(
        "Decision surface",
        f"Map of the predicted class over the two inputs, with the samples on it; {wrong} of "
        f"{len(x)} are predicted incorrectly.",
        plane_chart(pixels, extent, points),
        note=f"The predicted class over the two inputs. Outlined samples are predicted "
        f"incorrectly.{some}",
    )


def _labels(answers: Array, threshold: float) -> tuple[Array, Array]:
    """Return the class of each prediction, and its certainty from 0 to 1."""
    if answers.shape[1] == 1:
        scores = answers[:, 0].astype(float)
        reach = max(float(np.abs(scores - threshold).max()), 1e-12)
        return (scores > threshold).astype(np.intp), np.abs(scores - threshold) / reach
    ordered = np.sort(answers.astype(float), axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    return answers.argmax(axis=1), lead / max(float(lead.max()), 1e-12)


def value_surface(predictions: Predictions, true: Array) -> Chart:
    """Return a map of the predicted value, with samples colored by true value.

    Args:
        predictions: of a model with two inputs and one output.
        true: (n,) values.
    """
    x, inputs = predictions.x, predictions.input_names()
    grid, extent = plane_points(x)
    answers = predictions.answers(grid).reshape(-1).astype(float)
    low = float(min(answers.min(), true.min()))
    high = float(max(answers.max(), true.max()))
    ends = np.array([rgb(0), rgb(1)], float)
    share = ((answers - low) / ((high - low) or 1.0))[:, None]
    pixels = np.empty((len(grid), 4))
    pixels[:, :3] = (1 - share) * ends[0] + share * ends[1]
    pixels[:, 3] = 190
    drawn = even_positions(len(x), MOST_POINTS)
    values = [
        {
            "x": float(x[i, 0]),
            "y": float(x[i, 1]),
            "true": float(true[i]),
            "shown": format_cell(float(true[i])),
        }
        for i in drawn
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
        f"Map of the predicted value over the two inputs, from {format_cell(low)} to "
        f"{format_cell(high)}, with the samples in the colors of their true values.",
        plane_chart(pixels, extent, points),
        note="The predicted value over the two inputs; samples show their true value.",
    )


def value_curve(predictions: Predictions, true: Array) -> Chart:
    """Return the predicted value over the single input, with the samples.

    Args:
        predictions: of a model with one input and one output.
        true: (n,) values.
    """
    x = predictions.x
    low, high = float(x.min()), float(x.max())
    grid = np.linspace(low, high, 240)
    answers = predictions.answers(grid[:, None]).reshape(-1)
    drawn = even_positions(len(x), MOST_POINTS)
    samples = [{"x": float(x[i, 0]), "y": float(true[i]), "what": "data"} for i in drawn]
    line = [
        {"x": a, "y": b, "what": "prediction"}
        for a, b in zip(grid.tolist(), answers.astype(float).tolist(), strict=True)
    ]
    (name,) = predictions.input_names()
    legend = {"symbolOpacity": 1}
    encoding = {
        "x": quantity("x", name, scale={"zero": False, "nice": False}),
        "y": quantity("y", "value", scale={"zero": False}),
        "color": category("what", ["prediction", "data"], colors(2), legend=legend),
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
        f"The model's prediction as a curve over its input from {format_cell(low)} to "
        f"{format_cell(high)}, with the samples as points.",
        spec,
        note="The model's prediction over its input, and the data.",
        wide=True,
    )


def plane_points(x: Array) -> tuple[Array, tuple[float, float, float, float]]:
    """Return points on the plane, top row first, and its extent (left, right, low, high)."""
    (left, low), (right, high) = x.min(axis=0).astype(float), x.max(axis=0).astype(float)
    across, up = 0.06 * ((right - left) or 1.0), 0.06 * ((high - low) or 1.0)
    left, right, low, high = left - across, right + across, low - up, high + up
    centers = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    columns, rows = left + (right - left) * centers, high - (high - low) * centers
    plane = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return plane, (float(left), float(right), float(low), float(high))


def plane_chart(
    pixels: Array, extent: tuple[float, float, float, float], points: dict[str, Any]
) -> dict[str, Any]:
    """Return a chart of an image with points on it.

    Args:
        pixels: (points of the plane, 4), red, green, blue, opacity from 0 to 255.
        extent: the plane's extent, as from `plane_points`.
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


def png_address(pixels: Array) -> str:
    """Return an image as `data:image/png;base64,…`.

    Args:
        pixels: (height, width, 4), red, green, blue and opacity from 0 to 255, the top row first.

    Source: Portable Network Graphics (PNG) Specification, Third Edition, W3C, 2025.
    """
    height, width = pixels.shape[:2]
    rows = pixels.astype("u1").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)  # no filter for any row
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, with opacity
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    file = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)
    return "data:image/png;base64," + base64.b64encode(file).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
