"""Pictures of runs: losses, metrics and the learning rate by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from declnet import OutputError, StoredRun
from declnet_plugins.report.drawing import VALIDATION, logged_metrics, run_labels
from declnet_plugins.report.plot.picture import (
    LOGARITHMIC,
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
    drawn: list[float] = []
    for index, run in enumerate(runs):
        epochs = [int(row["epoch"]) for row in run.history]
        for key in (name, VALIDATION + name):
            values = [_number(row, key) for row in run.history]
            if not any(map(math.isfinite, values)):
                continue
            drawn += [value for value in values if math.isfinite(value)]
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
    axes.margins(x=0.02 if len(drawn) else 0)
    set_scale(axes, name, drawn, scale)


def set_scale(axes: Axes, name: str, drawn: Sequence[float], scale: Scale) -> None:
    """Set the y axis: losses and rates from zero or logarithmic, metrics over their range."""
    if name not in ("loss", "learning_rate") or not drawn or min(drawn) < 0:
        return
    wide = scale == "auto" and max(drawn) > LOGARITHMIC * min(drawn)
    if min(drawn) > 0 and (wide or (scale == "log" and name == "loss")):
        axes.set_yscale("log")
    else:
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
