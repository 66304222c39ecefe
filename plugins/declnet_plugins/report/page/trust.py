"""Charts of how far predictions can be trusted: reliability, coverage of intervals and sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from declnet import Array, Reliability, ResultTable, TableChart, format_cell
from declnet_plugins.report.page.analyses import MOST_BARS, table_chart
from declnet_plugins.report.page.charts import MUTED, line_point, lines_spec, quantity
from declnet_plugins.report.page.content import Chart
from declnet_plugins.report.page.run_data import Predictions

FIFTHS = 5

FEWEST = 5
"""Fewest samples in a bin of probabilities that is drawn; the table has all bins."""


def trust_charts(predictions: Predictions) -> tuple[Chart, ...]:
    """Return the reliability diagram of probabilities, and the coverage of intervals or sets."""
    reading, calibration = predictions.reading, predictions.calibration
    charts: list[Chart] = []
    if reading.task != "values" and not reading.scores:
        charts.append(_reliability_chart(predictions))
    if calibration is not None:
        bounds = calibration.intervals(predictions.y_pred)
        sets = calibration.sets(predictions.y_pred)
        if bounds is not None:
            charts.append(_interval_chart(predictions, bounds))
        if sets is not None:
            charts.append(_set_chart(predictions, sets))
    return tuple(charts)


def _reliability_chart(predictions: Predictions) -> Chart:
    """Return how often predictions of a probability are right, before and after calibration."""
    outputs = {"predictions": predictions.y_pred}
    calibration = predictions.calibration
    if calibration is not None and calibration.changes_predictions:
        outputs = {"uncalibrated": predictions.uncalibrated, "calibrated": predictions.y_pred}
    reliabilities = {name: Reliability(predictions.reading) for name in outputs}
    for name, reliability in reliabilities.items():
        reliability.add(outputs[name], predictions.y)
    said = "; ".join(
        f"{name}: log loss {format_cell(reliability.log_loss)}, expected calibration error "
        f"{format_cell(reliability.expected_calibration_error)}"
        for name, reliability in reliabilities.items()
    )
    rows = tuple(
        (name, *row) for name, reliability in reliabilities.items() for row in _bins(reliability, 1)
    )
    columns = ("predictions", "probability", "share right", "samples")
    table = ResultTable("Reliability", columns, rows, kinds={"samples": "number"})
    return Chart(
        "Reliability",
        f"How often predictions are correct, by their probability. {said}.",
        _reliability_spec(reliabilities),
        table,
        f"On the dotted line, probabilities are correct. {said[0].upper()}{said[1:]}.",
    )


def _bins(reliability: Reliability, fewest: int) -> Iterator[tuple[float, float, int]]:
    """Yield the mean probability, the share of right ones and the number of samples of bins."""
    for count, p, right in zip(
        reliability.counts, reliability.probability, reliability.right, strict=True
    ):
        if count >= fewest:
            yield float(p / count), float(right / count), int(count)


def _reliability_spec(reliabilities: dict[str, Reliability]) -> dict[str, Any]:
    points = [
        line_point(
            name, (p, right), (format_cell(p, "decimal"), format_cell(right, "decimal")), n=count
        )
        for name, reliability in reliabilities.items()
        for p, right, count in _bins(reliability, FEWEST)
    ]
    titles = ("probability", "share of correct predictions")
    about = [("series", "predictions"), ("n", "samples")]
    return lines_spec(points, list(reliabilities), titles, about, unit=True, diagonal=True)


def _interval_chart(predictions: Predictions, bounds: tuple[Array, Array]) -> Chart:
    """Return the coverage and width of intervals by fifths of their middle."""
    lower, upper = (bound.reshape(-1).astype(float) for bound in bounds)
    y, middle = predictions.y.reshape(-1).astype(float), (lower + upper) / 2
    held = (lower <= y) & (y <= upper)
    edges = np.quantile(middle, np.linspace(0, 1, FIFTHS + 1))
    groups = edges[1:-1].searchsorted(middle, side="right")
    names = [f"{format_cell(low)} to {format_cell(high)}" for low, high in pairwise(edges.tolist())]
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
    rows = [
        (name, float(held[inside].mean()), float(sizes[inside].mean()), int(inside.sum()))
        for index, name in enumerate(names)
        if (inside := groups == index).any()
    ]
    if len(rows) > MOST_BARS:  # of which the first are drawn
        rows.sort(key=lambda row: row[1])
    promised = predictions.calibration.promised_coverage
    said = "" if promised is None else f", {format_cell(promised, 'decimal')} promised"
    share = format_cell(float(held.mean()), "decimal")
    chart = table_chart(
        ResultTable(
            title,
            (what, "coverage", size, "samples"),
            tuple(rows),
            f"{share} of the targets{said}; {size} {format_cell(float(sizes.mean()))}.",
            {size: "number", "samples": "number"},
            TableChart("bars", what, ("coverage",)),
        )
    )
    if promised is not None:
        rule = {
            "data": {"values": [{"share": promised}]},
            "mark": {"type": "rule", "strokeDash": [2, 4], "stroke": MUTED, "strokeWidth": 1.5},
            "encoding": {"x": quantity("share", "coverage", scale={"domain": [0, 1]})},
        }
        chart.spec["layer"].append(rule)
    return chart
