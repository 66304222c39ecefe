"""Charts of how far predictions can be trusted: reliability, coverage of intervals and sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from declnet import Array, Reliability
from declnet_plugins.report.drawing import DASHES
from declnet_plugins.report.page.charts import (
    LINE_LEGEND,
    LINES,
    MUTED,
    category,
    colors,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart, Table
from declnet_plugins.report.page.formatting import format_number, format_score
from declnet_plugins.report.page.run_data import Predictions

FIFTHS = 5

MOST_GROUPS = 30
"""Maximum number of groups that are drawn, lowest coverage first; the table has all of them."""

FEWEST = 5
"""Fewest samples in a bin of probabilities that is drawn; the table has all bins."""


def trust_charts(predictions: Predictions) -> tuple[Chart, ...]:
    """Return the reliability diagram of probabilities, and the coverage of intervals or sets."""
    reading, calibration = predictions.reading, predictions.calibration
    found: list[Chart] = []
    if reading.sort != "values" and not reading.scores:
        found.append(_reliability_chart(predictions))
    if calibration is not None:
        bounds = calibration.intervals(predictions.y_pred)
        sets = calibration.sets(predictions.y_pred)
        if bounds is not None:
            found.append(_interval_chart(predictions, bounds))
        if sets is not None:
            found.append(_set_chart(predictions, sets))
    return tuple(found)


def _reliability_chart(predictions: Predictions) -> Chart:
    """Return how often predictions of a probability are right, before and after calibration."""
    given = {"predictions": predictions.y_pred}
    calibration = predictions.calibration
    if calibration is not None and calibration.changes_predictions:
        given = {"uncalibrated": predictions.uncalibrated, "calibrated": predictions.y_pred}
    found = {name: Reliability(predictions.reading) for name in given}
    for name, each in found.items():
        each.add(given[name], predictions.y)
    said = "; ".join(
        f"{name}: log loss {format_number(each.log_loss)}, expected calibration error "
        f"{format_number(each.expected_calibration_error)}"
        for name, each in found.items()
    )
    rows = tuple(
        (name, format_score(p), format_score(right), format_number(count))
        for name, each in found.items()
        for p, right, count in _bins(each, 1)
    )
    table = Table("Reliability", ("predictions", "probability", "share right", "samples"), rows)
    return Chart(
        "Reliability",
        f"How often predictions are correct, by their probability. {said}.",
        _reliability_spec(found),
        table,
        f"On the dotted line, probabilities are correct. {said[0].upper()}{said[1:]}.",
    )


def _bins(found: Reliability, fewest: int) -> Iterator[tuple[float, float, int]]:
    """Yield the mean probability, the share of right ones and the number of samples of bins."""
    for count, p, right in zip(found.counts, found.probability, found.right, strict=True):
        if count >= fewest:
            yield float(p / count), float(right / count), int(count)


def _reliability_spec(found: dict[str, Reliability]) -> dict[str, Any]:
    names, unit = list(found), {"domain": [0, 1]}
    values = [
        {"name": name, "x": p, "y": right, "sx": format_score(p), "sy": format_score(right), "n": n}
        for name, each in found.items()
        for p, right, n in _bins(each, FEWEST)
    ]
    x, y = "probability", "share of correct predictions"
    legend = None if len(names) == 1 else LINE_LEGEND
    marks = [
        {"mark": {"type": "line", "strokeWidth": 2}},
        {
            "mark": {"type": "point", "filled": True, "size": 60},
            "encoding": {
                "tooltip": tooltip(("name", "predictions"), ("sx", x), ("sy", y), ("n", "samples"))
            },
        },
    ]
    encoded = {
        "x": quantity("x", x, scale=unit),
        "y": quantity("y", y, scale=unit),
        "color": category("name", names, colors(len(names)), legend=legend),
        "strokeDash": category("name", names, DASHES[: len(names)], legend=legend),
    }
    diagonal = {
        "data": {"values": [{"x": each, "y": each} for each in (0, 1)]},
        "mark": {"type": "line", "strokeDash": [2, 4], "stroke": MUTED, "strokeWidth": 1},
        "encoding": {"x": quantity("x", x), "y": quantity("y", y)},
    }
    curves: dict[str, Any] = {"data": {"values": values}, "encoding": encoded, "layer": marks}
    grid = {"axisX": {"grid": True, "gridColor": LINES}}
    return {"height": 300, "config": grid, "layer": [diagonal, curves]}


def _interval_chart(predictions: Predictions, bounds: tuple[Array, Array]) -> Chart:
    """Return the coverage and width of intervals by fifths of their middle."""
    lower, upper = (each.reshape(-1).astype(float) for each in bounds)
    y, middle = predictions.y.reshape(-1).astype(float), (lower + upper) / 2
    held = (lower <= y) & (y <= upper)
    edges = np.quantile(middle, np.linspace(0, 1, FIFTHS + 1))
    groups = edges[1:-1].searchsorted(middle, side="right")
    names = [
        f"{format_number(low)} to {format_number(high)}" for low, high in pairwise(edges.tolist())
    ]
    widths = upper - lower
    title = "Coverage of the intervals"
    parts = (title, "prediction", "mean width")
    return _coverage_chart(predictions, parts, names, held, groups, widths)


def _set_chart(predictions: Predictions, sets: Array) -> Chart:
    """Return the coverage and size of sets by class."""
    labels = predictions.reading.true_labels(predictions.y)
    held, sizes = sets[np.arange(len(sets)), labels], sets.sum(axis=1).astype(float)
    names = list(predictions.reading.class_names or ())
    parts = ("Coverage of the sets", "class", "mean size")
    return _coverage_chart(predictions, parts, names, held, labels, sizes)


def _coverage_chart(
    predictions: Predictions,
    parts: tuple[str, str, str],
    names: Sequence[str],
    held: Array,
    groups: Array,
    sizes: Array,
) -> Chart:
    """Return the shares of targets that intervals or sets hold, by group.

    Args:
        parts: the title, what groups are, and what sizes are.
        names: the names of the groups.
        held: whether each target is held, (n,).
        groups: the group of each, (n,).
        sizes: the size of each interval or set, (n,).
    """
    title, what, size = parts
    rows: list[tuple[str, ...]] = []
    values: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        own = groups == index
        if not own.any():
            continue
        share, mean = float(held[own].mean()), format_number(float(sizes[own].mean()))
        count = format_number(int(own.sum()))
        rows.append((name, format_score(share), mean, count))
        shown = {"st": format_score(share), "sw": mean, "n": count}
        values.append({"group": name, "share": share, **shown})
    values = sorted(values, key=lambda each: each["share"])[:MOST_GROUPS]
    values.sort(key=lambda each: list(names).index(each["group"]))
    promised = predictions.calibration.promised_coverage
    said = "" if promised is None else f", {format_score(promised)} promised"
    note = f"{format_score(float(held.mean()))} of the targets{said}; "
    note += f"{size} {format_number(float(sizes.mean()))}."
    return Chart(
        title,
        f"Share of targets that are held, by {what}: {note}",
        _coverage_spec(values, what, size, promised),
        Table(title, (what, "coverage", size, "samples"), tuple(rows)),
        note,
    )


def _coverage_spec(
    values: list[dict[str, Any]], what: str, size: str, promised: float | None
) -> dict[str, Any]:
    about = tooltip(("group", what), ("st", "coverage"), ("sw", size), ("n", "samples"))
    across = {"field": "group", "type": "nominal", "title": what, "sort": None}
    bars: dict[str, Any] = {
        "data": {"values": values},
        "mark": {"type": "bar", "color": colors(1)[0]},
        "encoding": {
            "x": {**across, "axis": {"labelAngle": 0, "labelLimit": 90}},
            "y": quantity("share", "coverage", scale={"domain": [0, 1]}),
            "tooltip": about,
        },
    }
    rule = {
        "data": {"values": [{"share": promised}]},
        "mark": {"type": "rule", "strokeDash": [2, 4], "stroke": MUTED, "strokeWidth": 1.5},
        "encoding": {"y": quantity("share", "coverage")},
    }
    return {"height": 300, "layer": [bars] if promised is None else [bars, rule]}
