"""The picture of a sweep over several keys: parallel coordinates, and the effect of each key."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from declnet_plugins.report.plot.picture import INK, QUIET, layout, save_picture, style, unformatted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ABSENT = "(none)"
"""The value of a key that a condition leaves out."""
MOST_LABELS = 12
"""Maximum number of values of an axis that are all labeled."""
COLORS = "viridis"


@dataclass(frozen=True)
class SweptSeries:
    """The finished runs of one spec of a sweep.

    Attributes:
        values: the values of the keys that vary.
        metric: the metric of each run that has a finite one.
    """

    values: Mapping[str, Any]
    metric: tuple[float, ...]


def scale_of(key: str, drawn: Sequence[SweptSeries]) -> list[str]:
    """Return the values of a key as text in the order of its axis: numbers ascending."""
    values = {
        value_text(series.values[key]): series.values[key]
        for series in drawn
        if key in series.values
    }
    numbers = all(isinstance(value, int | float) for value in values.values())
    texts = sorted(values, key=lambda text: float(values[text])) if numbers else list(values)
    return [*([ABSENT] if any(key not in series.values for series in drawn) else []), *texts]


def value_text(value: Any) -> str:
    """Return a value as text; of a table, its type and then the other keys."""
    if isinstance(value, dict):
        others = [f"{key}={item}" for key, item in value.items() if key != "type"]
        return " ".join([*([str(value["type"])] if "type" in value else []), *others])
    return f"{value:g}" if isinstance(value, float) else str(value)


def draw_effects(
    drawn: Sequence[SweptSeries], keys: Sequence[str], metric: str, path: Path
) -> None:
    """Draw a line per spec over an axis per key, and below a panel per key.

    Args:
        drawn: the specs, at least one with a finite metric.
        keys: the keys that vary, at least one.
        metric: what the metric is called.
        path: the picture, checked by `check_picture`.

    Raises:
        OutputError: the picture cannot be written.
    """
    from matplotlib.figure import Figure

    shown = [series for series in drawn if series.metric]
    with style():
        width = max(8.0, 2.2 * (len(keys) + 1))
        picture = Figure(figsize=(width, 7.4), layout=layout())
        grid = picture.add_gridspec(2, len(keys), height_ratios=(1.25, 1))
        _draw_lines(picture.add_subplot(grid[0, :]), shown, keys, metric)
        below: list[Axes] = []
        for at, key in enumerate(keys):
            axes = picture.add_subplot(grid[1, at], sharey=below[0] if below else None)
            below.append(axes)
            _draw_effect(axes, shown, key)
        below[0].set_ylabel(unformatted(metric))
        save_picture(picture, path)


def _draw_lines(axes: Axes, drawn: Sequence[SweptSeries], keys: Sequence[str], metric: str) -> None:
    """Draw parallel coordinates: an axis per key and one for the metric, which colors the lines."""
    import matplotlib as mpl

    means = [fmean(series.metric) for series in drawn]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    colors = mpl.colormaps[COLORS]
    scales = [scale_of(key, drawn) for key in keys]
    apart = 0.16 / max(1, len(drawn) - 1)  # so that equal lines do not hide each other
    for number, (series, mean) in enumerate(zip(drawn, means, strict=True)):
        heights = []
        for key, scale in zip(keys, scales, strict=True):
            text = value_text(series.values[key]) if key in series.values else ABSENT
            shift = apart * number - 0.08 if len(scale) > 1 else 0.0
            heights.append((scale.index(text) + shift) / max(1, len(scale) - 1))
        share = (mean - low) / span
        axes.plot(range(len(keys) + 1), [*heights, share], color=colors(0.9 * share), alpha=0.8)
    for at, scale in enumerate(scales):
        axes.axvline(at, color=QUIET, linewidth=1)
        every = math.ceil(len(scale) / MOST_LABELS)
        for place in range(0, len(scale), every):
            height = place / max(1, len(scale) - 1)
            axes.annotate(
                unformatted(scale[place]),
                (at, height),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
            )
    axes.axvline(len(keys), color=INK, linewidth=1.5)
    for share, value in ((0.0, low), (0.5, (low + high) / 2), (1.0, high)):
        axes.annotate(
            f"{value:.4g}",
            (len(keys), share),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_xticks(range(len(keys) + 1), [*map(unformatted, keys), unformatted(metric)])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlim(-0.1, len(keys) + 0.25)
    axes.set_title(f"{len(drawn)} specs, mean {unformatted(metric)} of each")


def _draw_effect(axes: Axes, drawn: Sequence[SweptSeries], key: str) -> None:
    """Draw the metric of every run by the value of a key, with the mean for each value."""
    scale = [text for text in scale_of(key, drawn) if text != ABSENT]
    by_value: dict[str, list[float]] = {text: [] for text in scale}
    for series in drawn:
        if key in series.values:
            by_value[value_text(series.values[key])] += series.metric
    for at, values in enumerate(by_value.values()):
        axes.scatter([at] * len(values), values, s=18, color=QUIET, alpha=0.5, linewidths=0)
    means = [fmean(values) for values in by_value.values()]
    axes.plot(range(len(means)), means, color=INK, marker="o", markersize=6)
    every = math.ceil(len(scale) / MOST_LABELS)
    labels = [unformatted(text) for text in scale[::every]]
    axes.set_xticks(range(0, len(scale), every), labels, rotation=30 if len(scale) > 4 else 0)
    axes.margins(x=0.15)
    axes.set_title(unformatted(key), fontsize=10)
