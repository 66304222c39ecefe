"""The report's section on what `watch` recorded: a heat map of layers over time for each value."""

import csv
import math
from collections.abc import Sequence
from html import escape
from io import StringIO

from declnet import SpecError, StoredRun
from declnet_plugins.report import ReportPanel
from declnet_plugins.standard.callbacks.watch import Watch

VALUES = {
    "deviation": ("Deviation of the outputs", True),
    "zeros": ("Share of outputs that are 0", False),
    "dead": ("Share of dead units", False),
    "saturated": ("Share of saturated outputs", False),
    "gradient": ("Gradient relative to the parameters", True),
    "update": ("Update relative to the parameters", True),
}
"""The title of each map, and whether its scale is logarithmic."""

MOST_COLUMNS = 60
"""Maximum number of columns of a map; more epochs share one."""

MOST_CELLS = 1500

CELL_HEIGHT, LABELS, CHARACTER, WIDTH = 18, 96, 6.6, 640
"""Sizes in pixels: of a row, of the least room for names, of a character, of the cells."""

Row = dict[str, str]
Grid = list[list[float | None]]


class WatchPanel(ReportPanel):
    """Heat maps of each layer's statistics over time."""

    type = "watch"
    title = "Layers over time"

    def render(self, run: StoredRun) -> str | None:
        """Return the maps, or None if the run was not watched."""
        content = run.read(_file_of(run))
        if not content:
            return None
        rows = list(csv.DictReader(StringIO(content.decode("utf-8", "replace"))))
        if not rows or not {"epoch", "layer", *VALUES} <= rows[0].keys():
            return None
        maps = "".join(_map(rows, value, *named) for value, named in VALUES.items())
        return (
            '<p class="note">In the last step of each logged epoch; darker is more. A value that '
            f"is the same everywhere is not drawn.</p>{maps}"
        )


def _file_of(run: StoredRun) -> str:
    """Return the name of the table that the run's callback wrote."""
    try:
        callbacks = run.spec.training.callbacks
    except SpecError:  # a component is no longer installed
        callbacks = ()
    return next(
        (callback.path for callback in callbacks if isinstance(callback, Watch)), Watch().path
    )


def _map(rows: Sequence[Row], value: str, title: str, logarithmic: bool) -> str:
    """Return a heat map as a figure; empty if the value never differs."""
    epochs = sorted({number for row in rows if (number := _number(row["epoch"])) is not None})
    layers = [
        name
        for name in dict.fromkeys(row["layer"] for row in rows)
        if any(row["layer"] == name and _number(row[value]) is not None for row in rows)
    ]
    if not layers:
        return ""
    columns = min(len(epochs), MOST_COLUMNS, max(1, MOST_CELLS // len(layers)))
    column_of = {epoch: index * columns // len(epochs) for index, epoch in enumerate(epochs)}
    grid: Grid = [[None] * columns for _ in layers]
    for row in rows:
        number, epoch = _number(row[value]), _number(row["epoch"])
        if number is not None and epoch is not None:
            line = grid[layers.index(row["layer"])]
            column = column_of[epoch]
            line[column] = max(number, line[column] or number)
    numbers = [number for line in grid for number in line if number is not None]
    if logarithmic:
        numbers = [number for number in numbers if number > 0]
    if not numbers or min(numbers) == max(numbers):
        return ""
    scale = _Scale(min(numbers), max(numbers), logarithmic)
    words = f"{title}, {_short(scale.low)} to {_short(scale.high)}"
    picture = _picture(grid, layers, (epochs[0], epochs[-1]), scale, words)
    return f"<figure><h4>{escape(words)}</h4>{picture}</figure>"


class _Scale:
    """A scale from the least to the greatest value of a map."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self.low, self.high, self._logarithmic = low, high, logarithmic

    def share(self, number: float) -> float:
        """Return the position of a number on the scale, from 0 to 1."""
        if not self._logarithmic:
            return (number - self.low) / (self.high - self.low)
        if number <= self.low:
            return 0.0
        return math.log(number / self.low) / math.log(self.high / self.low)


def _picture(
    grid: Grid, layers: Sequence[str], ends: tuple[float, float], scale: _Scale, words: str
) -> str:
    left = max(LABELS, math.ceil(CHARACTER * max(map(len, layers))) + 8)
    height, width = CELL_HEIGHT * len(layers), left + WIDTH
    cell = WIDTH / len(grid[0])
    parts = []
    for index, (name, line) in enumerate(zip(layers, grid, strict=True)):
        top = CELL_HEIGHT * index
        parts.append(
            f'<text x="{left - 8}" y="{top + 13}" text-anchor="end" fill="var(--muted)" '
            f'font-size="12">{escape(name)}</text>'
        )
        for column, number in enumerate(line):
            if number is not None:
                share = scale.share(number)
                parts.append(
                    f'<rect x="{left + cell * column:.1f}" y="{top}" width="{cell + 0.3:.1f}" '
                    f'height="{CELL_HEIGHT - 1}" fill="var(--accent)" '
                    f'fill-opacity="{0.05 + 0.95 * share:.2f}"/>'
                )
    for anchor, x, epoch in (("start", left, ends[0]), ("end", width, ends[1])):
        parts.append(
            f'<text x="{x}" y="{height + 14}" text-anchor="{anchor}" fill="var(--muted)" '
            f'font-size="12">epoch {epoch:g}</text>'
        )
    size = f'viewBox="0 0 {width} {height + 20}" width="{width}" height="{height + 20}"'
    drawing = f'<svg {size} role="img" aria-label="{escape(words)}">{"".join(parts)}</svg>'
    return f'<div class="scroll">{drawing}</div>'


def _number(text: str | None) -> float | None:
    """Return a finite number; None if the cell is empty or anything else."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _short(number: float) -> str:
    return f"{number:.2g}"
