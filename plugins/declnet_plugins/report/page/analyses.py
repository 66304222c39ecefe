"""The section of a run's stored analyses: each table, drawn as it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from declnet import AnalysisTable, DeclnetError, StoredRun
from declnet_plugins.report.drawing import DASHES
from declnet_plugins.report.page.charts import (
    INK,
    LINE_LEGEND,
    category,
    colors,
    quantity,
    tooltip,
)
from declnet_plugins.report.page.content import Chart, Section, Table
from declnet_plugins.report.page.formatting import ABSENT, format_number

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
    if not results:
        return None
    tables = [table for result in results for table in result.tables]
    charts = [_chart(each) for each in tables if each.chart is not None and _drawn(each)]
    drawn = {each.title for each in charts}
    others = [_numbers(each) for each in tables if each.title not in drawn]
    first = results[0]
    note = (
        f"Of the finished model on the {first.data} data, {format_number(first.samples)} samples."
    )
    return Section(note, tuple(charts), tuple(others))


def _drawn(table: AnalysisTable) -> list[tuple[Any, ...]]:
    """Return the rows whose values can be drawn."""
    chart = table.chart
    if chart is None:
        return []
    at = [table.columns.index(name) for name in (*chart.y, *([chart.x] if _is_line(table) else ()))]
    return [row for row in table.rows if all(_is_number(row[each]) for each in at)]


def _is_line(table: AnalysisTable) -> bool:
    return table.chart is not None and table.chart.mark == "lines"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _numbers(table: AnalysisTable) -> Table:
    """Return a table with its values as text."""
    rows = tuple(
        tuple(
            _shown(value, name in table.shares)
            for name, value in zip(table.columns, row, strict=True)
        )
        for row in table.rows
    )
    return Table(f"{table.title}. {table.note}" if table.note else table.title, table.columns, rows)


def _shown(value: Any, is_share: bool) -> str:
    if is_share and _is_number(value):
        return f"{100 * value:.1f} %"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)  # perhaps a year
    return ABSENT if value is None else format_number(value)


def _chart(table: AnalysisTable) -> Chart:
    rows = _drawn(table)
    spec = _lines(table, rows) if _is_line(table) else _bars(table, rows[:MOST_BARS])
    note = table.note
    if not _is_line(table) and len(rows) > MOST_BARS:
        note += f" The first {MOST_BARS} of {len(rows)} rows are drawn."
    return Chart(table.title, _description(table, rows), spec, _numbers(table), note)


def _description(table: AnalysisTable, rows: Sequence[tuple[Any, ...]]) -> str:
    if table.chart is None:
        return table.title
    what = "Line chart" if _is_line(table) else "Bar chart"
    ends = []
    for name in table.chart.y[:MOST_LINES]:
        values = [row[table.columns.index(name)] for row in rows]
        ends.append(f"{name} from {format_number(min(values))} to {format_number(max(values))}")
    return f"{what} of {table.title} by {table.chart.x}: {', '.join(ends)}."


def _points(table: AnalysisTable, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return a point for each value that is drawn."""
    chart = table.chart
    if chart is None:
        return []
    x = table.columns.index(chart.x)
    deviation = None if chart.deviation is None else table.columns.index(chart.deviation)
    points = []
    for name in chart.y[:MOST_LINES]:
        y = table.columns.index(name)
        for row in rows:
            point = {"x": row[x], "y": row[y], "series": name}
            point |= {"sx": _shown(row[x], False), "sy": _shown(row[y], name in table.shares)}
            if not _is_line(table):
                point["x"] = point["sx"]
            if deviation is not None and _is_number(row[deviation]):
                point |= {"low": row[y] - row[deviation], "high": row[y] + row[deviation]}
            points.append(point)
    return points


def _bars(table: AnalysisTable, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return horizontal bars in the order of the rows, with lines of one standard deviation."""
    chart = table.chart
    series = list(chart.y[:MOST_LINES]) if chart is not None else []
    points = _points(table, rows)
    names = list(dict.fromkeys(point["x"] for point in points))
    title = series[0] if len(series) == 1 else None
    y: dict[str, Any] = {"field": "x", "type": "nominal", "sort": names, "title": None}
    x = quantity("y", title)
    bars: dict[str, Any] = {
        "mark": {"type": "bar"},
        "encoding": {
            "y": y,
            "x": x,
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


def _lines(table: AnalysisTable, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Return a line for each column of values, with a point for each row."""
    chart = table.chart
    series = list(chart.y[:MOST_LINES]) if chart is not None else []
    encoding: dict[str, Any] = {
        "x": quantity("x", chart.x if chart is not None else None, scale={"zero": False}),
        "y": quantity("y", series[0] if len(series) == 1 else None, scale={"zero": False}),
        "color": {"value": colors(1)[0]},
    }
    if len(series) > 1:
        encoding["color"] = category("series", series, colors(len(series)), legend=LINE_LEGEND)
        encoding["strokeDash"] = category(
            "series", series, DASHES[: len(series)], legend=LINE_LEGEND
        )
    about = [("series", "what")] if len(series) > 1 else []
    points = {
        "mark": {"type": "point", "filled": True, "size": 45},
        "encoding": {"tooltip": tooltip(*about, ("sx", "at"), ("sy", "value"))},
    }
    return {
        "height": 240,
        "data": {"values": _points(table, rows)},
        "encoding": encoding,
        "layer": [{"mark": {"type": "line", "strokeWidth": 2}}, points],
    }
