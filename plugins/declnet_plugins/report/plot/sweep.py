"""The picture of a sweep: the final metric of every run, and the loss by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from declnet import OutputError, is_group, open_group, open_run
from declnet_plugins.report.plot.curves import set_scale
from declnet_plugins.report.plot.effects import ABSENT, SweptSeries, draw_effects, value_text
from declnet_plugins.report.plot.picture import (
    INK,
    color,
    dashes,
    label_ends,
    layout,
    save_picture,
    style,
    unformatted,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from declnet import RunSeries

BANDS = 3
"""Maximum number of series drawn with the range of their losses; more would hide each other."""


@dataclass(frozen=True)
class Sweep:
    """What is drawn of a sweep.

    Attributes:
        data: the data set of the metric that ranks its specs.
        metric: the metric's name.
        series: the runs of each spec that have the metric, best first.
        values: the values of the keys that vary, by the name of the spec.
    """

    data: str
    metric: str
    series: tuple[RunSeries, ...]
    values: Mapping[str, Mapping[str, Any]]

    @property
    def keys(self) -> list[str]:
        """The keys that vary, the first one first in the specs."""
        texts: dict[str, set[str]] = {}
        for series in self.series:
            values = self.values.get(series.name, {})
            for key, value in values.items():
                texts.setdefault(key, set()).add(value_text(value))
            for key in texts.keys() - values.keys():
                texts[key].add(ABSENT)
        return [key for key, values in texts.items() if len(values) > 1]

    def metrics(self, series: RunSeries, data: str | None = None) -> list[float]:
        """Return the metric of the runs of a spec, on its data set or another one."""
        return series.metrics().get((data or self.data, self.metric), [])

    def training(self, series: RunSeries) -> list[float]:
        """Return the metric on the training data, if all runs have it and it is not this one."""
        values = self.metrics(series, "train") if self.data != "train" else []
        return values if len(values) == len(self.metrics(series)) else []


def is_sweep(folder: Path) -> bool:
    """Return whether a folder was written by `declnet sweep` rather than `declnet run`."""
    return is_group(folder) and open_group(folder).file.kind in ("sweep", "plan")


def read_sweep(folder: Path, metric: str | None = None) -> Sweep:
    """Read a sweep.

    Args:
        folder: its folder.
        metric: the metric to draw; None for that by which its specs are compared.

    Raises:
        OutputError: it cannot be read, or no run finished.
    """
    group = open_group(folder)
    ranked, best_by = group.ranked(group.series(), metric)
    series = tuple(one for one in ranked if best_by in one.metrics())
    if best_by is None or not series:
        raise OutputError(f"{folder}: no run finished, so nothing can be drawn")
    return Sweep(*best_by, series, group.values)


def losses_of(series: RunSeries) -> dict[int, list[float]]:
    """Return the losses of all finished runs by epoch, for epochs logged in every run.

    Raises:
        OutputError: a run cannot be read.
    """
    losses: dict[int, list[float]] = {}
    runs = [outcome.directory for outcome in series.finished]
    for run in runs:
        for row in open_run(run).history:
            if row.get("loss") is not None:
                losses.setdefault(int(row["epoch"]), []).append(float(row["loss"]))
    return {epoch: values for epoch, values in losses.items() if len(values) == len(runs)}


def draw_sweep(sweep: Sweep, path: Path) -> None:
    """Draw a row for each spec, or the effects of keys if several vary.

    Args:
        sweep: with at least one series.
        path: the picture, checked by `check_picture`.

    Raises:
        OutputError: a run cannot be read, or the picture cannot be written.
    """
    swept = [
        SweptSeries(
            sweep.values.get(series.name, {}), tuple(filter(math.isfinite, sweep.metrics(series)))
        )
        for series in sweep.series
    ]
    if len(sweep.keys) > 1 and any(series.metric for series in swept):
        draw_effects(swept, sweep.keys, f"{sweep.data} {sweep.metric}", path)
    else:
        _draw_rows(sweep, path)


def _draw_rows(sweep: Sweep, path: Path) -> None:
    """Draw the series in order, the first at the top.

    Args:
        sweep: with at least one series.
        path: the picture, checked by `check_picture`.

    Raises:
        OutputError: a run cannot be read, or the picture cannot be written.
    """
    from matplotlib.figure import Figure

    with style():
        height = max(3.6, 1.6 + 0.5 * len(sweep.series))
        picture = Figure(figsize=(11, height), layout=layout())
        left, right = picture.subplots(1, 2, width_ratios=(1, 1.15))
        _draw_metrics(left, sweep)
        ends = _draw_losses(right, sweep.series)
        picture.draw_without_rendering()
        label_ends(right, ends, end=right.get_xlim()[1])
        save_picture(picture, path)


def _draw_metrics(axes: Axes, sweep: Sweep) -> None:
    """Draw a row per series: its range, a dot per run, the mean as a labeled bar, and a ring.

    The ring is the mean on the training data, so that its distance from the bar is the gap.
    """
    drawn = sweep.series
    for index, series in enumerate(drawn):
        values, row, paint = sweep.metrics(series), -index, color(index)
        is_finite = all(map(math.isfinite, values))
        ends = [min(values), max(values)] if is_finite else [math.nan, math.nan]
        mean = fmean(values)
        axes.plot(ends, [row, row], color=paint, alpha=0.25, linewidth=7)
        axes.scatter(
            values,
            [row + shift for shift in beside(values)],
            s=34,
            color=paint,
            alpha=0.75,
            linewidths=0,
        )
        axes.scatter([mean], [row], marker="|", s=420, linewidths=2.6, color=INK)
        if training := sweep.training(series):
            ring = fmean(training)
            axes.scatter([ring], [row], s=80, facecolors="none", edgecolors=paint, linewidths=2)
        axes.annotate(
            f"{mean:.3g}",
            (mean, row),
            xytext=(0, 14),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    names = [unformatted(series.name) for series in drawn]
    axes.set_yticks([-index for index in range(len(drawn))], names)
    for index, tick in enumerate(axes.get_yticklabels()):
        tick.set(color=color(index), fontsize=11)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(-len(drawn) + 0.45, 0.65)
    runs = max(len(series.finished) for series in drawn)
    metric = unformatted(sweep.metric.replace("_", " "))
    seeds = f"{runs} seed{'s' if runs > 1 else ''} each"
    axes.set_title(f"Final {metric} ({unformatted(sweep.data)}), {seeds}")
    rings = ", ring: on the training data" if any(map(sweep.training, drawn)) else ""
    axes.set_xlabel(f"dots: runs, black bar: their mean{rings}")


def beside(values: Sequence[float]) -> list[float]:
    """Return the vertical offset of each dot, so that equal values do not hide each other."""
    width = (max(values) - min(values)) / 50
    order = sorted(range(len(values)), key=lambda index: values[index])
    moved = [0.0] * len(values)
    first, count = order[0], 0
    for index in order[1:]:
        if values[index] - values[first] > width:
            first, count = index, 0
        else:
            count += 1
            moved[index] = 0.13 * ((count + 1) // 2) * (1 if count % 2 else -1)
    return [max(-0.3, min(0.3, shift)) for shift in moved]


def _draw_losses(axes: Axes, drawn: Sequence[RunSeries]) -> list[tuple[str, float, str]]:
    """Draw each series' median loss over its range, and return labels for the line ends."""
    ends = []
    lines = []
    for index, series in enumerate(drawn):
        by_epoch = losses_of(series)
        epochs, losses = list(by_epoch), list(by_epoch.values())
        if not epochs:
            continue
        middle = [median(loss) for loss in losses]
        lines.append(middle)
        line = {"color": color(index), "linestyle": dashes(index)}
        axes.plot(epochs, middle, zorder=3, **line)
        if len(drawn) <= BANDS:
            bottom, top = [min(loss) for loss in losses], [max(loss) for loss in losses]
            axes.fill_between(epochs, bottom, top, color=color(index), alpha=0.1, linewidth=0)
        ends.append((series.name, middle[-1], color(index)))
    set_scale(axes, lines, "auto", name="loss")
    axes.margins(x=0)
    axes.set_title("Training loss")
    area = ", area: all runs" if len(drawn) <= BANDS else ""
    axes.set_xlabel(f"epoch (line: median of the runs{area})")
    return ends
