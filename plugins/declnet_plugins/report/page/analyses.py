"""The section of a run's stored analyses: each table, drawn as it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from declnet import (
    AnalysisResult,
    DeclnetError,
    Group,
    ResultTable,
    StoredRun,
    TableChart,
    UnknownTypeError,
    format_cell,
)
from declnet_plugins.report.page.charts import (
    INK,
    category,
    colors,
    line_point,
    lines_spec,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart, Section

Row = tuple[Any, ...]

IMPORTANCE = "importance"
"""What is analyzed of models together if their spec does not say."""
MOST_COLUMNS = 60
"""Maximum number of columns for that: each is predicted several times."""
MOST_BARS = 30
MOST_LINES = 8
BAR = 22
"""Height of a bar, in pixels."""


def analysis_section(run: StoredRun) -> Section | None:
    """Return the charts and tables of a run's analyses; None if it has none."""
    try:
        results = run.analyses
    except DeclnetError as error:
        return Section(f"The analyses are left out: {error}")
    return _section(results) if results else None


def group_analyses(group: Group) -> Section | None:
    """Return the analyses of a spec of models together, by default the importance of columns.

    None if there are none, or too many columns.
    """
    first = group.runs[0]
    chosen: Sequence[Any] = first.spec.analyses
    try:
        if not chosen:
            if len(group.predictor().features or ()) not in range(1, MOST_COLUMNS + 1):
                return None
            chosen = [first.registry.find("analysis", IMPORTANCE)()]
        return _section(group.analyze(*chosen))
    except UnknownTypeError:
        return None
    except DeclnetError as error:
        return Section(f"The analyses are left out: {error}") if first.spec.analyses else None


def _section(results: Sequence[AnalysisResult]) -> Section:
    first = results[0]
    note = f"On the {first.data} data, {format_cell(first.samples)} samples."
    return Section(note, *drawn([table for result in results for table in result.tables]))


def drawn(tables: Sequence[ResultTable]) -> tuple[tuple[Chart, ...], tuple[ResultTable, ...]]:
    """Return the charts of the tables that declare one and have values for it, and the others."""
    charts = [table_chart(table) for table in tables if table.drawn_rows()]
    return tuple(charts), tuple(table for table in tables if not table.drawn_rows())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def table_chart(table: ResultTable) -> Chart:
    """Return a table drawn as its `chart` says, with its numbers."""
    chart, rows, scale = table.chart, table.drawn_rows(), table.scale()
    assert chart is not None  # noqa: S101  # checked by the callers
    note = table.note
    if chart.mark == "bars" and len(rows) > MOST_BARS:
        note += f" The first {MOST_BARS} of {len(rows)} rows are drawn."
        rows = rows[:MOST_BARS]
    if scale is not None and scale.hidden:
        note += f" The axis is cut (▲▼): {scale.hidden} of the values are beyond it."
    spec = (_bars if chart.mark == "bars" else _lines)(table, chart, rows)
    described = _description(table, chart, rows)
    offers_log = scale is not None and scale.low > 0
    return Chart(table.title, described, spec, table, note.strip(), offers_log, scale=scale)


def _description(table: ResultTable, chart: TableChart, rows: Sequence[Row]) -> str:
    what = "Line chart" if chart.mark == "lines" else "Bar chart"
    ends = []
    for name in chart.y[:MOST_LINES]:
        at = table.columns.index(name)
        values = [float(row[at]) for row in rows if _is_number(row[at])]
        if values:
            low, high = format_cell(min(values)), format_cell(max(values))
            ends.append(f"{name} from {low} to {high}")
    return f"{what} of {table.title} by {chart.x}: {', '.join(ends)}."


def _points(table: ResultTable, chart: TableChart, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a point for each value that is drawn."""
    x = table.columns.index(chart.x)
    deviation = None if chart.deviation is None else table.columns.index(chart.deviation)
    points, texts = [], table.texts(rows)
    for name in chart.y[:MOST_LINES]:
        y = table.columns.index(name)
        for row, text in zip(rows, texts, strict=True):
            if not _is_number(row[y]):
                continue
            named = text[x] if chart.mark == "bars" else row[x]
            point = line_point(name, (named, row[y]), (text[x], text[y]))
            if deviation is not None and _is_number(row[deviation]):
                point |= {"low": row[y] - row[deviation], "high": row[y] + row[deviation]}
            points.append(point)
    return points


def _bars(table: ResultTable, chart: TableChart, rows: Sequence[Row]) -> dict[str, Any]:
    """Return horizontal bars in the order of the rows, with lines of one standard deviation."""
    series, points = list(chart.y[:MOST_LINES]), _points(table, chart, rows)
    names = list(dict.fromkeys(point["x"] for point in points))
    title = series[0] if len(series) == 1 else None
    y: dict[str, Any] = {"field": "x", "type": "nominal", "sort": names, "title": None}
    bars: dict[str, Any] = {
        "mark": {"type": "bar"},
        "encoding": {
            "y": y,
            "x": quantity("y", title),
            "color": {"value": colors(1)[0]},
            "tooltip": tooltip(("sx", "of"), ("series", "what"), ("sy", "value")),
        },
    }
    if len(series) > 1:
        bars["encoding"]["color"] = category("series", series, colors(len(series)))
        bars["encoding"]["yOffset"] = {"field": "series", "sort": series}
    layers = [bars]
    if any("low" in point for point in points):
        layers.append(
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "stroke": INK, "strokeWidth": 1.5},
                "encoding": {"y": y, "x": quantity("low", title), "x2": {"field": "high"}},
            }
        )
    height = BAR * max(len(names), 2) * (1 if len(series) == 1 else (1 + len(series)) / 2)
    return {"height": round(height), "data": {"values": points}, "layer": layers}


def _lines(table: ResultTable, chart: TableChart, rows: Sequence[Row]) -> dict[str, Any]:
    """Return a line for each column of values, with a point for each row."""
    series = list(chart.y[:MOST_LINES])
    title = series[0] if len(series) == 1 else None
    about = [("series", "what")] if len(series) > 1 else []
    points, titles = _points(table, chart, rows), (chart.x, title)
    return lines_spec(points, series, titles, about, scale=table.scale())
