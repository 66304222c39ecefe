"""Charts of forecasts: some of them with the true values, and the error by rows ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from declnet import Array, ResultTable, format_cell
from declnet_plugins.report.page.charts import even_positions, line_point, lines_spec
from declnet_plugins.report.page.content import Chart

DRAWN = 3
"""Maximum number of forecasts drawn with the true values."""

LONGEST = 12
"""Horizons of true values that are drawn, the last ones."""


def forecast_charts(true: Array, predicted: Array) -> Iterator[Chart]:
    """Yield the charts of forecasts of several rows.

    Args:
        true: (n, horizon), of windows in the order of the data.
        predicted: likewise.
    """
    if true.shape[1] < 2:
        return
    consecutive = _last_consecutive(true)
    if consecutive > 1:
        yield _compared(true[-consecutive:], predicted[-consecutive:])
    yield _by_distance(np.abs(predicted - true).mean(axis=0))


def _last_consecutive(true: Array) -> int:
    """Return how many of the last windows begin a row after each other, as far as is drawn."""
    last = true[-(LONGEST - 1) * true.shape[1] - 1 :]
    breaks = np.flatnonzero((last[:-1, 1:] != last[1:, :-1]).any(axis=1))
    return len(last) - 1 - (int(breaks[-1]) if breaks.size else -1)


def _compared(true: Array, predicted: Array) -> Chart:
    """Return the true values, and forecasts from a few rows, by the row."""
    horizon, values = true.shape[1], np.concatenate([true[:, 0], true[-1, 1:]])
    most = min(DRAWN, 1 + (len(true) - 1) // horizon)
    starts = even_positions(len(true), most) if most > 1 else np.array([len(true) - 1])
    lines = {"true": (0, values)}
    lines |= {f"forecast from row {at + 1:,}": (int(at), predicted[at]) for at in starts}
    points = [
        line_point(name, (first + row + 1, value), (f"{first + row + 1:,}", format_cell(value)))
        for name, (first, line) in lines.items()
        for row, value in enumerate(line.tolist())
    ]
    columns = ("row", *lines)
    cells = {name: dict(enumerate(line.tolist(), start)) for name, (start, line) in lines.items()}
    rows = tuple(
        (row + 1, *(of_line.get(row) for of_line in cells.values())) for row in range(len(values))
    )
    low, high = format_cell(float(values.min())), format_cell(float(values.max()))
    return Chart(
        "Forecasts",
        f"Line chart of {len(values)} true values from {low} to {high}, and of {len(starts)} "
        f"forecasts of {horizon} rows.",
        lines_spec(points, [*lines], ("row", "value")),
        ResultTable("Forecasts", columns, rows, kinds=dict.fromkeys(columns[1:], "number")),
        f"The last {len(values)} true values of the data, and forecasts of {horizon} rows.",
        wide=True,
    )


def _by_distance(errors: Array) -> Chart:
    """Return the mean absolute error of (horizon,) distances."""
    name, ahead = "mean absolute error", range(1, len(errors) + 1)
    points = [
        line_point(name, (row, error), (str(row), format_cell(error)))
        for row, error in zip(ahead, errors.tolist(), strict=True)
    ]
    first, last = format_cell(float(errors[0])), format_cell(float(errors[-1]))
    rows = tuple(zip(ahead, errors.tolist(), strict=True))
    return Chart(
        "Error by rows ahead",
        f"Line chart of the {name} by rows ahead, from {first} one row ahead to {last} "
        f"{len(errors)} rows ahead.",
        lines_spec(points, [name], ("rows ahead", name)),
        ResultTable("Error by rows ahead", ("rows ahead", name), rows, kinds={name: "number"}),
    )
