"""The charts of a sweep: the final metric of every run, by spec or by each key that varies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from declnet import OutputError, RunSeries, axis_scale, is_group, open_group, open_run
from declnet_plugins.report.many.page import coded, distinct, plain
from declnet_plugins.report.page.charts import HEIGHT, INK, MUTED, category, colors, quantity
from declnet_plugins.report.page.content import Chart
from declnet_plugins.report.page.curves import Curve, curve_chart

ABSENT = "(none)"
"""The value of a key that a condition leaves out."""

BANDS = 3
"""Maximum number of specs drawn with the range of their losses; more would hide each other."""


def is_sweep(folder: Path) -> bool:
    """Return whether a folder was written by `declnet sweep` rather than `declnet run`."""
    return is_group(folder) and open_group(folder).file.kind in ("sweep", "plan")


def sweep_charts(folder: Path, metric: str | None = None) -> tuple[Chart, ...]:
    """Return the charts of a sweep.

    If several keys vary: a line for each spec over an axis per key, and the runs by the value of
    each key. Otherwise, the runs by spec, best first, and the losses by epoch.

    Args:
        folder: its folder.
        metric: the metric to draw; None for that by which its specs are compared.

    Raises:
        OutputError: it cannot be read, or no run finished.
    """
    group = open_group(folder)
    ranked, best_by = group.ranked(group.series(), metric)
    series = [one for one in ranked if best_by in one.metrics()]
    if best_by is None or not series:
        raise OutputError(f"{folder}: no run finished, so nothing can be drawn")
    data, name = best_by
    other = "train" if data != "train" else ""
    runs: list[dict[str, Any]] = [
        {"spec": one.name, "metric": value, "training": outcome.metrics.get(other, {}).get(name)}
        for one in series
        for outcome in one.finished
        if math.isfinite(value := outcome.metrics.get(data, {}).get(name, math.nan))
    ]
    values = [group.values.get(run["spec"], {}) for run in runs]
    keys = {
        key: coded([plain(row.get(key)) for row in values])
        for key in distinct(key for row in values for key in row)
    }
    keys = {key: column for key, column in keys.items() if len(column["values"]) > 1}
    title = f"{data} {name}"
    if len(keys) < 2:
        names = [one.name for one in series]
        specs = _runs_chart(f"Final {title}", title, runs, [run["spec"] for run in runs], names)
        return specs, *_loss_charts(series)
    by_key = []
    for key, column in keys.items():
        texts = [_text(value) for value in column["values"]]
        labels = [texts[code] for code in column["codes"]]
        by_key.append(_runs_chart(key, title, runs, labels, texts))
    return _coordinates_chart(title, runs, keys), *by_key


def _losses_of(series: RunSeries) -> dict[int, list[float]]:
    """Return the losses of all finished runs by epoch, for epochs logged in every run.

    Raises:
        OutputError: a run cannot be read.
    """
    losses: dict[int, list[float]] = {}
    for outcome in series.finished:
        for row in open_run(outcome.directory).history:
            if row.get("loss") is not None:
                losses.setdefault(int(row["epoch"]), []).append(float(row["loss"]))
    return {at: values for at, values in losses.items() if len(values) == len(series.finished)}


def _runs_chart(
    heading: str,
    title: str,
    runs: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    order: Sequence[str],
) -> Chart:
    """Return a row per label: the range of its runs, a dot per run, and their mean as a bar.

    A ring is the mean on the training data, so that its distance from the bar is the gap.
    """
    mean = quantity("metric", title, aggregate="mean")
    black = {"x": mean, "color": {"value": INK}}
    ends = {"x": {**mean, "aggregate": "min"}, "x2": {"aggregate": "max", "field": "metric"}}
    layers = [
        _layer("rule", ends, strokeWidth=8, opacity=0.25),
        _layer("point", {}, filled=True, size=60, opacity=0.6),
        _layer("tick", black, size=24, thickness=3),
        _layer("text", {**black, "text": {**mean, "format": ".3~g"}}, dy=-19),
    ]
    note = "Dots: runs, black bar: their mean"
    if any(run["training"] is not None for run in runs):
        ring = {"x": quantity("training", title, aggregate="mean")}
        layers.append(_layer("point", ring, size=110, strokeWidth=2))
        note += ", ring: on the training data"
    spec = {
        "height": {"step": 52},
        "data": {"values": [{**run, "row": row} for run, row in zip(runs, labels, strict=True)]},
        "encoding": {
            "x": quantity("metric", title, scale={"zero": False, "padding": 12}),
            "y": {"field": "row", "type": "nominal", "title": None, "scale": {"domain": order}},
            "color": category("row", order, colors(len(order)), legend=None),
        },
        "layer": layers,
    }
    return Chart(heading, f"{heading}: the {title} of {len(runs)} runs.", spec, note=note)


def _loss_charts(series: Sequence[RunSeries]) -> Iterator[Chart]:
    """Yield the median loss of each spec by epoch, over the range of its runs if they are few."""
    losses = {one.name: by_epoch for one in series if (by_epoch := _losses_of(one))}
    curves = [
        Curve(name, number, tuple((epoch, median(loss)) for epoch, loss in by_epoch.items()))
        for number, (name, by_epoch) in enumerate(losses.items())
    ]
    if not curves:
        return
    scale = axis_scale([curve.values for curve in curves])
    chart = curve_chart("loss", curves, scale, several=True)
    note = "Line: median of the runs"
    if len(curves) <= BANDS:
        note += ", area: all runs"
        ranges = [
            {"series": name, "x": epoch, "y": min(loss), "top": max(loss)}
            for name, by_epoch in losses.items()
            for epoch, loss in by_epoch.items()
        ]
        between = {"y2": {"field": "top"}, "strokeDash": {"value": [1, 0]}}
        area = _layer("area", between, opacity=0.12, clip=chart.spec["layer"][0]["mark"]["clip"])
        chart.spec["layer"].insert(0, {**area, "data": {"values": ranges}})
    yield replace(chart, title="Training loss", note=f"{note}. {chart.note}", wide=False)


def _coordinates_chart(
    title: str, runs: Sequence[Mapping[str, Any]], keys: Mapping[str, Mapping[str, Any]]
) -> Chart:
    """Return a line per spec over an axis per key and one for the mean metric, which colors it."""
    specs = distinct(run["spec"] for run in runs)
    means = [fmean(run["metric"] for run in runs if run["spec"] == spec) for spec in specs]
    first = [next(at for at, run in enumerate(runs) if run["spec"] == spec) for spec in specs]
    low, span = min(means), max(means) - min(means) or 1.0
    points = []
    for number, mean in enumerate(means):
        shift = 0.15 * (number / len(means) - 0.5)  # equal lines would hide each other
        for key, column in keys.items():
            code, last = column["codes"][first[number]], len(column["values"]) - 1
            places = {"label": code / last, "place": (code + shift) / last}
            text = _text(column["values"][code])
            points.append({"axis": key, "spec": number, "mean": mean, "text": text, **places})
        share = (mean - low) / span
        points.append({"axis": title, "spec": number, "mean": mean, "text": "", "place": share})
    color = quantity("mean", None, scale={"scheme": "viridis"}, legend={"orient": "right"})
    height = quantity("place", None, axis=None)
    labels = {"y": {**height, "field": "label"}, "text": {"field": "text"}}
    names = {"transform": [{"aggregate": [], "groupby": ["axis", "label", "text"]}]}
    axis = {"field": "axis", "type": "nominal", "sort": [*keys, title], "title": None}
    spec = {
        "height": HEIGHT,
        "data": {"values": points},
        "encoding": {"x": {**axis, "axis": {"labelAngle": 0, "grid": False, "domain": False}}},
        "layer": [
            _layer("rule", {}, color=MUTED),
            _layer("line", {"y": height, "detail": {"field": "spec"}, "color": color}, opacity=0.8),
            {**_layer("text", labels, align="left", dx=6, dy=-8, color=INK), **names},
        ],
    }
    heading = f"{len(specs)} specs, mean {title} of each"
    return Chart(heading, f"Parallel coordinates of {heading}.", spec, wide=True)


def _text(value: object) -> str:
    return ABSENT if value is None else str(value)


def _layer(mark: str, encoding: Mapping[str, Any], **style: Any) -> dict[str, Any]:
    return {"mark": {"type": mark, **style}, "encoding": encoding}
