"""Draws a sweep: the final figure of every run, and the loss over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from declnet.report.plot.saving import save_picture
from declnet.report.plot.style import INK, LOGARITHMIC, colour, dashes, label_ends, layout, style
from declnet.runs import folder
from declnet.runs.reading import read_history
from declnet.runs.sweep.series import Series, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BANDS = 3
"""Series up to which the range of the losses is drawn too; more would hide each other."""


def draw_spread(all_series: Sequence[Series], figure: tuple[str, str], path: Path) -> None:
    """Draws the series in their order, the first on top.

    Args:
        all_series: those without a finished run are left out.
        figure: the data set and the name of what is compared.
        path: the picture, checked by `check_picture`.

    Raises:
        OutputError: the picture cannot be written.
    """
    from matplotlib.figure import Figure

    drawn = [each for each in all_series if each.figures().get(figure)]
    with style():
        height = max(3.6, 1.6 + 0.5 * len(drawn))
        picture = Figure(figsize=(11, height), layout=layout())
        left, right = picture.subplots(1, 2, width_ratios=(1, 1.15))
        _draw_figures(left, drawn, figure)
        ends = _draw_losses(right, drawn)
        picture.draw_without_rendering()
        label_ends(right, ends, end=right.get_xlim()[1])
        save_picture(picture, path)


def _draw_figures(axes: Axes, drawn: Sequence[Series], figure: tuple[str, str]) -> None:
    """A row for each series: its range, every run as a dot, the mean as a bar with its number."""
    for index, series in enumerate(drawn):
        values = series.figures()[figure]
        of_values, row = spread(values), -index
        paint = colour(index)
        axes.plot(
            [of_values.minimum, of_values.maximum], [row, row], color=paint, alpha=0.25, linewidth=7
        )
        axes.scatter(
            values,
            [row + each for each in beside(values)],
            s=34,
            color=paint,
            alpha=0.75,
            linewidths=0,
        )
        axes.scatter([of_values.mean], [row], marker="|", s=420, linewidths=2.6, color=INK)
        axes.annotate(
            f"{of_values.mean:.3g}",
            (of_values.mean, row),
            xytext=(0, 14),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    axes.set_yticks([-index for index in range(len(drawn))], [each.name for each in drawn])
    for index, tick in enumerate(axes.get_yticklabels()):
        tick.set(color=colour(index), fontsize=11)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(-len(drawn) + 0.45, 0.65)
    data, name = figure
    runs = max((len(each.finished) for each in drawn), default=0)
    axes.set_title(f"Final {name.replace('_', ' ')} ({data}), {runs} seeds each")
    axes.set_xlabel("dots: runs, black bar: their mean")


def beside(values: Sequence[float]) -> list[float]:
    """How far to move each dot up or down, so that none hides behind one of the same value."""
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
    """The median loss of each series, its range behind it; gives the labels of the lines' ends."""
    ends = []
    low, high = float("inf"), 0.0
    for index, series in enumerate(drawn):
        epochs, losses = _losses(series)
        if not epochs:
            continue
        middle = [median(each) for each in losses]
        low, high = min(low, *middle), max(high, *middle)
        line = {"color": colour(index), "linestyle": dashes(index)}
        axes.plot(epochs, middle, zorder=3, **line)
        if len(drawn) <= BANDS:
            bottom, top = [min(each) for each in losses], [max(each) for each in losses]
            axes.fill_between(epochs, bottom, top, color=colour(index), alpha=0.1, linewidth=0)
        ends.append((series.name, middle[-1], colour(index)))
    if low > 0 and high / low > LOGARITHMIC:
        axes.set_yscale("log")
    else:
        axes.set_ylim(min(0.0, low), high * 1.08)
    axes.margins(x=0)
    axes.set_title("Training loss")
    area = ", area: all runs" if len(drawn) <= BANDS else ""
    axes.set_xlabel(f"epoch (line: median of the runs{area})")
    return ends


def _losses(series: Series) -> tuple[list[int], list[list[float]]]:
    """The epochs that every run of a series logged, and the losses of all runs at each."""
    by_epoch: dict[int, list[float]] = {}
    for run in series.finished:
        for row in read_history(run.directory / folder.HISTORY):
            if row.get("loss") is not None:
                by_epoch.setdefault(int(row["epoch"]), []).append(float(row["loss"]))
    shared = [epoch for epoch, each in by_epoch.items() if len(each) == len(series.finished)]
    return shared, [by_epoch[epoch] for epoch in shared]
