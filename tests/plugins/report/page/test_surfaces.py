from __future__ import annotations

import base64
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from declnet_plugins.report.drawing import rgb
from declnet_plugins.report.page import surfaces
from declnet_plugins.report.page.surfaces import (
    FAINT,
    STRONG,
    class_surface,
    plane_points,
    png_address,
    value_curve,
    value_surface,
)

X = np.random.default_rng(1).normal([5, -1], [1, 3], (40, 2))
GRID = plane_points(X)[0]


@pytest.fixture
def drawn(monkeypatch):
    """Return the drawing of the plane: pixels, their extent, and points."""
    arguments = []
    monkeypatch.setattr(surfaces, "plane_chart", lambda *inputs: arguments.extend(inputs) or {})
    return arguments


def predictions_of(answers, threshold=0.5):
    reading, names = SimpleNamespace(threshold=threshold), ["a", "b"]
    return SimpleNamespace(x=X, input_names=lambda: names, answers=answers, reading=reading)


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_have_colors_that_are_stronger_where_they_are_surer(classes, drawn):
    def answers(x):
        scores = np.stack([x[:, 0] - 5, x[:, 1] + 1, 0 * x[:, 0]], axis=1)
        return scores[:, :1] + 0.5 if classes == 2 else scores

    true, predicted = np.arange(40) % classes, np.arange(40) % 2
    chart = class_surface(predictions_of(answers), true, predicted, list("uvw")[:classes])
    scores = answers(GRID)
    labels = scores.argmax(axis=1) if classes == 3 else (scores[:, 0] > 0.5).astype(int)
    lead = np.abs(scores[:, 0] - 0.5)
    if classes == 3:
        lead = np.sort(scores, axis=1)[:, 2] - np.sort(scores, axis=1)[:, 1]
    pixels, extent, points = drawn
    left, low, right, high = *X.min(axis=0), *X.max(axis=0)
    around = 0.06 * (right - left), 0.06 * (high - low)
    expected = (left - around[0], right + around[0], low - around[1], high + around[1])
    assert extent == pytest.approx(expected)
    flat = np.asarray(pixels).reshape(-1, 4)
    np.testing.assert_array_equal(flat[:, :3], [rgb(label) for label in labels])
    np.testing.assert_allclose(flat[:, 3], FAINT + (STRONG - FAINT) * lead / lead.max(), atol=1)
    values = points["data"]["values"]
    assert [value["wrong"] for value in values] == (true != predicted).tolist()
    assert [[value["x"], value["y"]] for value in values] == X.tolist()
    assert f"{np.count_nonzero(true != predicted)} of 40 are predicted" in chart.description


@pytest.mark.parametrize(("least", "most"), [(-100, 100), (15, 15.1)])
def test_values_have_colors_between_the_least_and_the_greatest(least, most, drawn):
    def answers(x):
        return (3 * x[:, :1] - x[:, 1:]).astype("f4")

    true = np.linspace(least, most, 40)
    value_surface(predictions_of(answers), true)
    result = answers(GRID)[:, 0].astype(float)
    low, high = min(result.min(), true.min()), max(result.max(), true.max())
    pixels, _, points = drawn
    assert points["encoding"]["fill"]["scale"]["domain"] == [low, high]
    share = ((result - low) / (high - low))[:, None]
    expected = (1 - share) * rgb(0) + share * np.array(rgb(1))
    np.testing.assert_allclose(np.asarray(pixels).reshape(-1, 4)[:, :3], expected, atol=1)
    assert [value["true"] for value in points["data"]["values"]] == true.tolist()


def test_a_curve_has_the_predictions_over_the_range_of_the_samples():
    predictions = predictions_of(lambda x: x**2)
    predictions.x, predictions.input_names = X[:, :1], lambda: ["a"]
    samples, line = (
        layer["data"]["values"] for layer in value_curve(predictions, X[:, 1]).spec["layer"]
    )
    assert [[sample["x"], sample["y"]] for sample in samples] == X.tolist()
    assert (line[0]["x"], line[-1]["x"]) == (X[:, 0].min(), X[:, 0].max())
    assert all(point["y"] == pytest.approx(point["x"] ** 2) for point in line)


def test_pixels_round_trip():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4))
    kind, _, text = png_address(pixels).partition(",")
    assert kind == "data:image/png;base64"
    file = base64.b64decode(text)
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(file):
        (size,) = struct.unpack_from(">I", file, at)
        name, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", file, at + 8 + size) == (zlib.crc32(name + content),)
        chunks[name] = content
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (7, 5, 8, 6, 0, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), "u1").reshape(5, 1 + 4 * 7)
    assert not rows[:, 0].any()
    np.testing.assert_array_equal(rows[:, 1:].reshape(5, 7, 4), pixels)
