"""The picture of a sweep: the final metric of every run, and the loss by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from declnet import OutputError, SweepSummary, is_group, open_group, open_run
from declnet_plugins.report.plot.effects import ABSENT, SweptSeries, draw_effects, value_text
from declnet_plugins.report.plot.picture import (
    INK,
    LOGARITHMIC,
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

    from declnet import RunSummary, SeriesSummary

BANDS = 3
"""Maximum number of series drawn with the range of their losses; more would hide each other."""


@dataclass(frozen=True)
class Series:
    """The finished runs of one spec with a known metric.

    Attributes:
        name: the spec's name.
        values: the final metric of each run; NaN where it is not finite.
        runs: their folders.
        training: the metric of each run on the training data, if `values` are on other data and all
            runs have it; else empty.
        swept: the values of the keys that vary in the sweep; empty if none does.
    """

    name: str
    values: tuple[float, ...]
    runs: tuple[Path, ...]
    training: tuple[float, ...] = ()
    swept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        """Return whether the metric of every run is finite."""
        return all(map(math.isfinite, self.values))

    @cached_property
    def losses(self) -> dict[int, list[float]]:
        """Return the losses of all runs by epoch, for epochs logged in every run.

        Raises:
            OutputError: a run cannot be read.
        """
        found: dict[int, list[float]] = {}
        for run in self.runs:
            for row in open_run(run).history:
                if row.get("loss") is not None:
                    found.setdefault(int(row["epoch"]), []).append(float(row["loss"]))
        return {epoch: each for epoch, each in found.items() if len(each) == len(self.runs)}


@dataclass(frozen=True)
class Sweep:
    """A sweep, as read from its folder.

    Attributes:
        data: the data set of the metric that ranks its specs.
        metric: the metric's name.
        series: one for each spec with a finished run, best first.
    """

    data: str
    metric: str
    series: tuple[Series, ...]

    @property
    def keys(self) -> list[str]:
        """The keys that vary, the first one first in the specs."""
        texts: dict[str, set[str]] = {}
        for each in self.series:
            for key, value in each.swept.items():
                texts.setdefault(key, set()).add(value_text(value))
            for key in texts.keys() - each.swept.keys():
                texts[key].add(ABSENT)
        return [key for key, values in texts.items() if len(values) > 1]


def is_sweep(folder: Path) -> bool:
    """Return whether a folder was written by `declnet sweep` rather than `declnet run`."""
    return is_group(folder) and open_group(folder).file.kind in ("sweep", "plan")


def read_sweep(folder: Path) -> Sweep:
    """Read the summary of a sweep.

    Raises:
        OutputError: it cannot be read, or no run finished.
    """
    summary = open_group(folder).summary
    if not isinstance(summary, SweepSummary):
        raise OutputError(f"{folder}: no run finished, so nothing can be drawn")
    data, _, metric = (summary.metric or "").partition(".")
    specs = summary.specs
    found = [_series(spec, folder, data, metric) for spec in specs]
    drawn = tuple(series for series in found if series.values)
    if not drawn:
        raise OutputError(f"{folder}: no run finished, so nothing can be drawn")
    return Sweep(data, metric, drawn)


def _series(spec: SeriesSummary, folder: Path, data: str, metric: str) -> Series:
    finished = [run for run in spec.runs if run.status == "finished"]
    values = _values(finished, data, metric)
    training = _values(finished, "train", metric) if data != "train" else ()
    return Series(
        spec.name,
        values,
        tuple(folder / spec.name / run.folder for run in finished),
        training if len(training) == len(values) else (),
        spec.values,
    )


def _values(runs: Sequence[RunSummary], data: str, metric: str) -> tuple[float, ...]:
    """Return a metric of each run that has it; NaN where it is not finite."""
    all_values = (run.metrics.get(data, {}) for run in runs)
    return tuple(values[metric] for values in all_values if metric in values)


def draw_sweep(sweep: Sweep, path: Path) -> None:
    """Draw a row for each spec, or the effects of keys if several vary.

    Args:
        sweep: with at least one series.
        path: the picture, checked by `check_picture`.

    Raises:
        OutputError: a run cannot be read, or the picture cannot be written.
    """
    swept = [
        SweptSeries(each.swept, tuple(filter(math.isfinite, each.values))) for each in sweep.series
    ]
    if len(sweep.keys) > 1 and any(each.metric for each in swept):
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
        values, row, paint = series.values, -index, color(index)
        ends = [min(values), max(values)] if series.finite else [math.nan, math.nan]
        mean = fmean(values)
        axes.plot(ends, [row, row], color=paint, alpha=0.25, linewidth=7)
        axes.scatter(
            values,
            [row + each for each in beside(values)],
            s=34,
            color=paint,
            alpha=0.75,
            linewidths=0,
        )
        axes.scatter([mean], [row], marker="|", s=420, linewidths=2.6, color=INK)
        if series.training:
            ring = fmean(series.training)
            axes.scatter([ring], [row], s=80, facecolors="none", edgecolors=paint, linewidths=2)
        axes.annotate(
            f"{mean:.3g}",
            (mean, row),
            xytext=(0, 14),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    names = [unformatted(each.name) for each in drawn]
    axes.set_yticks([-index for index in range(len(drawn))], names)
    for index, tick in enumerate(axes.get_yticklabels()):
        tick.set(color=color(index), fontsize=11)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(-len(drawn) + 0.45, 0.65)
    runs = max(len(each.runs) for each in drawn)
    metric = unformatted(sweep.metric.replace("_", " "))
    each = f"{runs} seed{'s' if runs > 1 else ''} each"
    axes.set_title(f"Final {metric} ({unformatted(sweep.data)}), {each}")
    rings = ", ring: on the training data" if any(each.training for each in drawn) else ""
    axes.set_xlabel(f"dots: runs, black bar: their mean{rings}")


def beside(values: Sequence[float]) -> list[float]:
    """Return the vertical offset of each dot, so that equal values do not hide each other."""
    width = (max(values) - min(values)) / 50
    order = sorted(range(len(values)), key=lambda index: values[index])
    moved = [0.0] * len(values)
    first, taken = order[0], 0
    for index in order[1:]:
        if values[index] - values[first] > width:
            first, taken = index, 0
        else:
            taken += 1
            moved[index] = 0.13 * ((taken + 1) // 2) * (1 if taken % 2 else -1)
    return [max(-0.3, min(0.3, each)) for each in moved]


def _draw_losses(axes: Axes, drawn: Sequence[Series]) -> list[tuple[str, float, str]]:
    """Draw each series' median loss over its range, and return labels for the line ends."""
    ends = []
    low, high = float("inf"), 0.0
    for index, series in enumerate(drawn):
        epochs, losses = list(series.losses), list(series.losses.values())
        if not epochs:
            continue
        middle = [median(each) for each in losses]
        low, high = min(low, *middle), max(high, *middle)
        line = {"color": color(index), "linestyle": dashes(index)}
        axes.plot(epochs, middle, zorder=3, **line)
        if len(drawn) <= BANDS:
            bottom, top = [min(each) for each in losses], [max(each) for each in losses]
            axes.fill_between(epochs, bottom, top, color=color(index), alpha=0.1, linewidth=0)
        ends.append((series.name, middle[-1], color(index)))
    if low > 0 and high / low > LOGARITHMIC:
        axes.set_yscale("log")
    else:
        axes.set_ylim(min(0.0, low), high * 1.08)
    axes.margins(x=0)
    axes.set_title("Training loss")
    area = ", area: all runs" if len(drawn) <= BANDS else ""
    axes.set_xlabel(f"epoch (line: median of the runs{area})")
    return ends
