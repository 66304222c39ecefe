"""Charts of loss, metrics and learning rate by epoch, for one or more runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np

from declnet import AxisScale, ResultTable, StoredRun, axis_scale, format_cell
from declnet_plugins.report.drawing import VALIDATION, Rows, logged_metrics
from declnet_plugins.report.page.charts import (
    colors,
    curve_positions,
    even_positions,
    line_point,
    lines_spec,
)
from declnet_plugins.report.page.content import Chart

POINTS = 4000
"""Maximum number of points in a chart, over all series."""
TABLE_ROWS = 40

Scale = Literal["auto", "linear", "log"]


@dataclass(frozen=True)
class Curve:
    """A metric of a run on a data set by epoch.

    Attributes:
        label: what distinguishes it from the others of the chart.
        run: the position of the run.
        points: epochs and values, in order.
    """

    label: str
    run: int
    points: tuple[tuple[int, float], ...]

    @property
    def values(self) -> list[float]:
        """The values, in order."""
        return [value for _, value in self.points]


def run_charts(runs: Mapping[str, StoredRun], scale: Scale = "auto") -> tuple[Chart, ...]:
    """Return the charts of runs by their labels: see `curve_charts`."""
    directions = [direction for run in runs.values() for direction in run.better.items()]
    linear = {name for name, better in directions if better != "lower"}
    return curve_charts({label: run.history for label, run in runs.items()}, linear, scale)


def curve_charts(
    histories: Mapping[str, Rows], linear: Collection[str] = (), scale: Scale = "auto"
) -> tuple[Chart, ...]:
    """Return charts of the loss, each metric and the learning rate, if it changes.

    Axes are logarithmic over decades, but for learning rates: a cosine would fall from a cliff.

    Args:
        histories: the logged epochs by run.
        linear: the metrics of which higher values are better: a logarithmic axis would be wrong.
        scale: `linear` for all axes, or `log` for the loss, all of whose values are then shown.
    """
    charts = []
    for name in (*logged_metrics(histories.values()), "learning_rate"):
        curves = _curves(histories, name)
        values = {value for curve in curves for value in curve.values}
        if curves and not (name == "learning_rate" and len(values) == 1):
            is_linear = scale == "linear" or name in (*linear, "learning_rate")
            shown = axis_scale([curve.values for curve in curves], linear=is_linear)
            if shown is not None and name == "loss" and scale != "auto":
                finite = [value for value in values if isfinite(value)]
                low, high = min(finite), max(finite)
                shown = AxisScale(scale == "log" and low > 0, low, high)
            charts.append(curve_chart(name, curves, shown, several=len(histories) > 1))
    return tuple(charts)


def _curves(histories: Mapping[str, Rows], name: str) -> list[Curve]:
    """Return the curves of a metric; none if it was not logged."""
    parts = {"train": name, "validation": f"{VALIDATION}{name}"}
    if name == "learning_rate":
        parts = {"" if len(histories) > 1 else "learning rate": name}
    curves = []
    for number, (run, rows) in enumerate(histories.items()):
        for part, key in parts.items():
            points = tuple(
                (row["epoch"], row[key]) for row in rows if isinstance(row.get(key), int | float)
            )
            if points:
                label = f"{run} {part}".strip() if len(histories) > 1 else part
                curves.append(Curve(label, number, points))
    return curves


def curve_chart(
    name: str, curves: Sequence[Curve], scale: AxisScale | None, *, several: bool
) -> Chart:
    """Return the chart of a metric.

    Args:
        name: the metric.
        curves: at least one.
        scale: that of the y axis; None without a finite value.
        several: whether the curves are of several runs, each of which has a color.
    """
    title = name.replace("_", " ")
    ends = []
    for curve in curves:
        (first, start), (last, end) = curve.points[0], curve.points[-1]
        start_text, end_text = format_cell(float(start)), format_cell(float(end))
        change = f"from {start_text} at epoch {first} to {end_text} at epoch {last}"
        ends.append(f"{curve.label} {change}")
    notes = []
    if name == "loss" and not several and curves[-1].label == "validation":
        epoch, value = min(curves[-1].points, key=lambda point: point[1])
        notes.append(f"Lowest on validation data: {format_cell(float(value))} at epoch {epoch:,}.")
    if scale is not None and scale.hidden:
        notes.append(_cut_note(scale, curves))
    spec = lines_spec(
        [point for curve in curves for point in _thinned(curve, len(curves))],
        [curve.label for curve in curves],
        ("epoch", title),
        [("series", "data")],
        palette=[colors(curve.run + 1)[-1] for curve in curves] if several else None,
        scale=scale,
    )
    return Chart(
        title[:1].upper() + title[1:],
        " ".join([f"Line chart of {title} by epoch: {'; '.join(ends)}.", *notes]),
        spec,
        _table(title, curves),
        " ".join(notes),
        logarithmic=all(value > 0 for curve in curves for _, value in curve.points),
        scale=scale,
        wide=name == "loss",
    )


def _cut_note(scale: AxisScale, curves: Sequence[Curve]) -> str:
    """Return what an axis hides: how many values, and the farthest one."""
    points = [point for curve in curves for point in curve.points if isfinite(point[1])]
    hidden = [point for point in points if not scale.low <= point[1] <= scale.high]
    epoch, value = max(hidden, key=lambda point: max(point[1] - scale.high, scale.low - point[1]))
    count = "1 value is" if scale.hidden == 1 else f"{scale.hidden} values are"
    until = f"e.g. {format_cell(float(value))} at epoch {epoch:,}"
    return f"The axis is cut (▲▼): {count} beyond it, {until}."


def _thinned(curve: Curve, count: int) -> list[dict[str, Any]]:
    """Return the points to draw of one of several curves."""
    most = max(60, min(400, POINTS // count))
    positions = curve_positions(np.array(curve.values), most)
    drawn = (curve.points[position] for position in positions)
    return [
        line_point(curve.label, (epoch, value), (str(epoch), format_cell(float(value))))
        for epoch, value in drawn
    ]


def _table(title: str, curves: Sequence[Curve]) -> ResultTable:
    """Return the values at a readable number of epochs."""
    epochs = sorted({epoch for curve in curves for epoch, _ in curve.points})
    shown = [epochs[position] for position in even_positions(len(epochs), TABLE_ROWS)]
    values = [dict(curve.points) for curve in curves]
    rows = tuple((epoch, *(points.get(epoch) for points in values)) for epoch in shown)
    some = "" if len(shown) == len(epochs) else f", {len(shown)} of {len(epochs)} logged epochs"
    columns = ("epoch", *(curve.label for curve in curves))
    return ResultTable(
        f"{title} by epoch{some}", columns, rows, kinds=dict.fromkeys(columns[1:], "number")
    )
