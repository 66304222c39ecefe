"""Pictures of runs: losses, metrics and the learning rate by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from declnet import AxisScale, OutputError, StoredRun, axis_scale
from declnet_plugins.report.drawing import VALIDATION, logged_metrics, run_labels
from declnet_plugins.report.plot.picture import (
    QUIET,
    color,
    dashes,
    layout,
    save_picture,
    style,
    unformatted,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scale = Literal["auto", "linear", "log"]


def draw_curves(runs: Sequence[StoredRun], path: Path, scale: Scale = "auto") -> None:
    """Draw a panel for the loss, for each metric, and for the learning rate if it changes.

    Args:
        runs: drawn in one color each; a single run has one for training and one for validation.
        path: the picture, checked by `check_picture`.
        scale: the scale of the loss axis.

    Raises:
        OutputError: a run has logged no epoch, or the picture cannot be written.
    """
    from matplotlib.figure import Figure

    for run in runs:
        if not run.history:
            raise OutputError(f"{run.path}: no epoch has been logged, so nothing can be drawn")
    panels = _panels(runs)
    columns = len(panels) if len(panels) <= 3 else math.ceil(len(panels) / 2)
    columns = min(columns, 4)
    rows = math.ceil(len(panels) / columns)
    labels = run_labels([run.path for run in runs])
    with style():
        below = 0.3 * math.ceil(len(runs) / _columns_of_legend(labels, columns))
        size = (max(4.4 * columns, 6.4), 3.4 * rows + below)
        picture = Figure(figsize=size, layout=layout())
        grid = picture.subplots(rows, columns, squeeze=False).flatten()
        for axes, name in zip(grid, panels, strict=False):
            _draw_panel(axes, name, runs, scale)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        for axes in grid[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel("epoch")
        if len(runs) == 1:
            where = unformatted(str(runs[0].path))
            picture.suptitle(where, x=0.01, ha="left", fontsize=11, color=QUIET)
        _add_legend(picture, labels, columns, validation=_validated(runs))
        save_picture(picture, path)


def _panels(runs: Sequence[StoredRun]) -> list[str]:
    """Return the panels: the loss, the metrics, the learning rate."""
    panels = logged_metrics(run.history for run in runs)
    rates = {row.get("learning_rate") for run in runs for row in run.history}
    return [*panels, "learning_rate"] if len(rates) > 1 else panels


def _validated(runs: Sequence[StoredRun]) -> bool:
    return any(f"{VALIDATION}loss" in row for run in runs for row in run.history)


def _draw_panel(axes: Axes, name: str, runs: Sequence[StoredRun], scale: Scale) -> None:
    lines: list[list[float]] = []
    for index, run in enumerate(runs):
        epochs = [int(row["epoch"]) for row in run.history]
        for key in (name, VALIDATION + name):
            values = [_number(row, key) for row in run.history]
            if not any(map(math.isfinite, values)):
                continue
            lines.append(values)
            validation = key != name
            single = len(runs) == 1
            axes.plot(
                epochs,
                values,
                color=color(int(validation) if single else index),
                linestyle=(0, (4, 2)) if validation else dashes(index),
                linewidth=1.5 if validation else 1.8,
                marker="o" if len(epochs) == 1 else None,
                alpha=1.0 if single or not validation else 0.8,
            )
    axes.set_title(unformatted(name.replace("_", " ").capitalize()))
    axes.margins(x=0.02 if lines else 0)
    is_linear = name == "learning_rate" or any(
        run.better.get(name, "lower") != "lower" for run in runs
    )
    set_scale(axes, lines, scale, name=name, linear=is_linear)


def set_scale(
    axes: Axes, lines: Sequence[Sequence[float]], scale: Scale, *, name: str, linear: bool = False
) -> None:
    """Set the y axis, by the rule of the report: see `declnet.axis_scale`.

    Args:
        axes: what the lines are drawn in.
        lines: the values of each line.
        scale: `linear` for all axes, or `log` for the loss, all of whose values are then shown.
        name: the metric; axes of losses and learning rates that are not logarithmic begin at zero.
        linear: whether a logarithmic axis makes no sense, as for shares.
    """
    shown = axis_scale(lines, linear=linear or scale == "linear")
    if shown is None:
        return
    if name == "loss" and scale != "auto":
        values = [value for line in lines for value in line if math.isfinite(value)]
        shown = AxisScale(scale == "log" and min(values) > 0, min(values), max(values))
    if shown.logarithmic:
        axes.set_yscale("log")
    if shown.hidden:
        axes.set_ylim(shown.low, shown.high)
    elif name in ("loss", "learning_rate") and not shown.logarithmic and shown.low >= 0:
        axes.set_ylim(bottom=0)


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan


def _columns_of_legend(labels: Sequence[str], columns: int) -> int:
    """Return how many labels fit in a row below this many panels."""
    return max(1, min(len(labels) + 2, int(4.4 * columns * 11 / (max(map(len, labels)) + 6))))


def _add_legend(picture: Figure, labels: Sequence[str], columns: int, *, validation: bool) -> None:
    """Add a legend of colors and dashes below the panels."""
    from matplotlib.lines import Line2D

    dashed = (0, (4, 2))
    if len(labels) == 1:
        if not validation:
            return
        lines = [
            Line2D([], [], color=color(0), label="training"),
            Line2D([], [], color=color(1), linestyle=dashed, label="validation"),
        ]
    else:
        lines = [
            Line2D([], [], color=color(index), linestyle=dashes(index), label=unformatted(label))
            for index, label in enumerate(labels)
        ]
        if validation:
            lines.append(Line2D([], [], color=QUIET, label="training"))
            lines.append(Line2D([], [], color=QUIET, linestyle=dashed, label="validation"))
    picture.legend(
        handles=lines,
        loc="outside lower left",
        ncols=min(len(lines), _columns_of_legend(labels, columns)),
    )
