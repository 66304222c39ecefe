"""Charts of loss, metrics and learning rate by epoch, for one or more runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet import ResultTable, format_cell
from declnet_plugins.report.drawing import DASHES, SHAPES, VALIDATION, Rows, logged_metrics
from declnet_plugins.report.page.charts import (
    CARD,
    LINE_LEGEND,
    category,
    colors,
    curve_positions,
    even_positions,
    near_tooltip,
    quantity,
)
from declnet_plugins.report.page.content import Chart

POINTS = 4000
"""Maximum number of points in a chart, over all series."""
MARKS = 6
"""Points of a series drawn with a shape, which distinguishes runs without color."""
TABLE_ROWS = 40


@dataclass(frozen=True)
class Series:
    """One curve: points (epoch, value), in order.

    Attributes:
        run: its label.
        part: the data set, `train` or `validation`; empty if the values belong to none.
        points: epochs and values.
    """

    run: str
    part: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Curves:
    """All curves of a metric, e.g. of the loss.

    Attributes:
        name: the metric's key in the history.
        series: by run and data set.
        several: whether there is more than one run.
    """

    name: str
    series: tuple[Series, ...]
    several: bool

    @property
    def title(self) -> str:
        """Return the name in words."""
        return self.name.replace("_", " ")

    @property
    def runs(self) -> list[str]:
        """Return all runs that have the metric."""
        return list(dict.fromkeys(each.run for each in self.series))

    @property
    def parts(self) -> list[str]:
        """Return all data sets with the metric."""
        return [part for part in dict.fromkeys(each.part for each in self.series) if part]

    @property
    def is_constant(self) -> bool:
        """Return whether all values are equal."""
        return len({value for each in self.series for _, value in each.points}) == 1

    def label(self, series: Series) -> str:
        """Return the part of a curve's name that distinguishes it from the others."""
        words = ([series.run] if self.several else []) + ([series.part] if series.part else [])
        return " ".join(words) or self.title

    def values(self) -> list[dict[str, Any]]:
        """Return the thinned points to draw, some `marked`, at different places in each series."""
        most = max(60, min(400, POINTS // len(self.series)))
        drawn = []
        for number, series in enumerate(self.series):
            kept = curve_positions(np.array([value for _, value in series.points]), most)
            shift = number / len(self.series)
            marked = {int((mark + shift) * len(kept) / MARKS) for mark in range(MARKS)}
            for place, position in enumerate(kept):
                epoch, value = series.points[position]
                row = {"run": series.run, "set": series.part, "epoch": epoch, "value": value}
                row |= {"shown": format_cell(float(value)), "marked": place in marked}
                drawn.append(row)
        return drawn


def curve_charts(histories: Mapping[str, Rows]) -> tuple[Chart, ...]:
    """Return charts of the loss, each metric and the learning rate, if it changes.

    Args:
        histories: the logged epochs by run.
    """
    names = [*logged_metrics(histories.values()), "learning_rate"]
    all_curves = [curves_of(histories, name) for name in names]
    return tuple(
        _chart(curves)
        for curves in all_curves
        if curves.series and not (curves.name == "learning_rate" and curves.is_constant)
    )


def curves_of(histories: Mapping[str, Rows], name: str) -> Curves:
    """Return the curves of a metric, without series if it was not logged.

    Args:
        histories: the logged epochs by run.
        name: the metric's key in the history.
    """
    parts = [("", name)]
    if name != "learning_rate":
        parts = [("train", name), ("validation", f"{VALIDATION}{name}")]
    series = []
    for run, rows in histories.items():
        for part, key in parts:
            points = tuple(
                (row["epoch"], row[key]) for row in rows if isinstance(row.get(key), int | float)
            )
            if points:
                series.append(Series(run, part, points))
    return Curves(name, tuple(series), len(histories) > 1)


def _chart(curves: Curves) -> Chart:
    title = curves.title
    return Chart(
        title=title[:1].upper() + title[1:],
        description=_description(curves),
        spec=_spec(curves),
        table=_table(curves),
        note=_lowest(curves),
        logarithmic=all(value > 0 for each in curves.series for _, value in each.points),
        wide=curves.name == "loss",
    )


def _description(curves: Curves) -> str:
    ends = []
    for series in curves.series:
        (first, start), (last, end) = series.points[0], series.points[-1]
        start_text, end_text = format_cell(float(start)), format_cell(float(end))
        change = f"from {start_text} at epoch {first} to {end_text} at epoch {last}"
        ends.append(f"{curves.label(series)} {change}")
    return f"Line chart of {curves.title} by epoch: {'; '.join(ends)}."


def _lowest(curves: Curves) -> str:
    """Return where the validation loss was lowest; training beyond that overfits."""
    validation = [each for each in curves.series if each.part == "validation"]
    if curves.several or curves.name != "loss" or not validation:
        return ""
    epoch, value = min(validation[0].points, key=lambda point: point[1])
    return f"Lowest on validation data: {format_cell(float(value))} at epoch {epoch:,}."


def _table(curves: Curves) -> ResultTable:
    """Return the values at a readable number of epochs."""
    epochs = sorted({epoch for each in curves.series for epoch, _ in each.points})
    kept = [epochs[position] for position in even_positions(len(epochs), TABLE_ROWS)]
    values = [dict(each.points) for each in curves.series]
    rows = tuple((epoch, *(points.get(epoch) for points in values)) for epoch in kept)
    some = "" if len(kept) == len(epochs) else f", {len(kept)} of {len(epochs)} logged epochs"
    columns = ("epoch", *(curves.label(series) for series in curves.series))
    return ResultTable(
        f"{curves.title} by epoch{some}",
        columns,
        rows,
        kinds=dict.fromkeys(columns[1:], "number"),
    )


_HOVER = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}


def _spec(curves: Curves) -> dict[str, Any]:
    """Return the spec: color by run, or by data set for a single run; dashes by data set.

    With several runs, each run's lines also have points of a distinct shape.
    """
    values = curves.values()
    constant = len({row["value"] for row in values}) == 1
    layers = [_lines(curves), _pointer(curves)]
    if curves.several:
        layers.insert(1, _marks(curves.runs))
    return {
        "height": 260,
        "data": {"values": values},
        "encoding": {
            "x": quantity("epoch", "epoch", scale={"nice": False}),
            "y": quantity("value", curves.title, scale={"zero": constant, "nice": True}),
            "color": _color(curves),
        },
        "layer": layers,
    }


def _color(curves: Curves) -> dict[str, Any]:
    field, domain = ("run", curves.runs) if curves.several else ("set", curves.parts or [""])
    legend: dict[str, Any] | None = {} if curves.several else LINE_LEGEND
    if len(domain) == 1:
        legend = None
    return category(field, domain, colors(len(domain)), legend=legend)


def _lines(curves: Curves) -> dict[str, Any]:
    encoding: dict[str, Any] = {"detail": [{"field": "run"}, {"field": "set"}]}
    parts = curves.parts
    if len(parts) > 1:
        encoding["strokeDash"] = category("set", parts, DASHES[: len(parts)], legend=LINE_LEGEND)
    return {
        "mark": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"},
        "encoding": encoding,
    }


def _marks(runs: list[str]) -> dict[str, Any]:
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(runs))]
    return {
        "transform": [{"filter": "datum.marked"}],
        "mark": {
            "type": "point",
            "filled": True,
            "size": 90,
            "opacity": 1,
            "stroke": CARD,
            "strokeWidth": 0.8,
        },
        "encoding": {"shape": category("run", runs, shapes, legend={} if len(runs) > 1 else None)},
    }


def _pointer(curves: Curves) -> dict[str, Any]:
    """Return the layer for the point nearest to the pointer, with its values."""
    about = [("run", "run")] if curves.several else []
    about += [("set", "data")] if curves.parts else []
    near = {"param": "hover", "empty": False, "value": 1}
    return {
        "mark": {"type": "point", "filled": True, "size": 80},
        "params": [{"name": "hover", "select": _HOVER}],
        "encoding": {
            "opacity": {"condition": near, "value": 0},
            "tooltip": near_tooltip(*about, ("epoch", "epoch"), ("shown", curves.title)),
        },
    }
