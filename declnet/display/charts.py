"""Charts of neutral tables as pictures in HTML: without scripts, and in the colors of the theme."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from declnet.display.html import Html, collapsible, element, joined, table_html
from declnet.display.scales import AxisScale
from declnet.display.tables import ResultTable, TableChart, format_cell, is_finite

WIDTH, HEIGHT = 420, 150
"""Size of the area with lines or bars, in pixels."""

LEFT, RIGHT, BAR = 76, 14, 16
"""Pixels left and right of that area, and of a bar with the space below it."""

MOST_LINES, MOST_BARS = 8, 30
CHARACTERS = 24
"""Characters of a bar's name that are shown."""

DASHES = ("", "6 3", "2 2", "8 3 2 3", "10 4", "4 2 1 2", "1 3", "12 3 3 3")


def table_with_chart(table: ResultTable) -> Html:
    """Return a table, or the chart that it declares with its note, and the table folded."""
    chart = chart_html(table)
    if not chart:
        return table_html(table)
    title = element("div", element("b", table.title)) if table.title else ""
    note = element("div", table.note, kind="faint") if table.note else ""
    numbers = collapsible("numbers", table_html(replace(table, title="", note="")))
    return joined([title, chart, note, numbers])


def chart_html(table: ResultTable) -> Html:
    """Return the chart that a table declares; empty without one, or without a number to draw."""
    chart, rows = table.chart, table.drawn_rows()
    if chart is None or not rows:
        return Html()
    series = chart.y[:MOST_LINES]
    columns = {name: table.columns.index(name) for name in series}
    values = [v for row in rows for at in columns.values() if is_finite(v := row[at])]
    ends = f"{format_cell(float(min(values)))} to {format_cell(float(max(values)))}"
    what = "Line chart" if chart.mark == "lines" else "Bar chart"
    title = ", ".join(series) if table.title == "" else table.title
    label = f"{what} of {title} by {chart.x}, from {ends}"
    draw = _lines if chart.mark == "lines" else _bars
    return joined([draw(table, chart, columns, label), _legend(series), *_cut(table)])


def _cut(table: ResultTable) -> Iterator[Html]:
    """Yield a sentence on values beyond the ends of the axis."""
    scale = table.scale()
    if scale is not None and scale.hidden:
        are = "value is" if scale.hidden == 1 else "values are"
        yield element("div", f"axis cut: {scale.hidden} {are} beyond it", kind="faint")


def _legend(series: Sequence[str]) -> Html:
    if len(series) == 1:
        return Html()
    samples = [
        element("span", _line([(0, 4), (26, 4)], at, (26, 8)), f" {name} ", kind="sample")
        for at, name in enumerate(series)
    ]
    return element("div", *samples)


def _line(points: Sequence[tuple[float, float]], at: int, size: tuple[int, int]) -> Html:
    """Return a small picture of the line of a series."""
    return _svg(size, _polyline(points, at))


def _svg(size: tuple[int, int], *parts: object, label: str = "") -> Html:
    width, height = size
    opening = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    role = 'role="img"' if label else 'aria-hidden="true"'
    title = element("title", label) if label else ""
    return Html(f"<svg {opening} {role}>{joined([title, *parts])}</svg>")


def _polyline(points: Sequence[tuple[float, float]], at: int) -> Html:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = f' stroke-dasharray="{DASHES[at]}"' if DASHES[at] else ""
    return Html(f'<polyline class="c{at}" points="{places}"{dashes}/>')


def _text(x: float, y: float, text: str, anchor: str = "start") -> Html:
    return Html(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{joined([text])}</text>')


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Html:
    return Html(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')


def _positions(scale: AxisScale, start: float, end: float) -> Callable[[float], float]:
    """Return the function from a value to its place between two ends; beyond them for some."""
    log = scale.logarithmic
    low, high = (math.log(scale.low), math.log(scale.high)) if log else (scale.low, scale.high)

    def place(value: float) -> float:
        if log and value <= 0:
            return start - 1
        number = math.log(value) if log else value
        share = 0.5 if high == low else (number / 2 - low / 2) / (high / 2 - low / 2)
        return start + min(max(share, -0.5), 1.5) * (end - start)

    return place


def ticks(scale: AxisScale, most: int = 5) -> list[float]:
    """Return round numbers along an axis, or its ends if there are none."""
    low, high = scale.low, scale.high
    if scale.logarithmic:
        first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
        every = max(1, math.ceil((last - first + 1) / most))
        powers = [10.0**power for power in range(first, last + 1, every)]
        return powers if len(powers) > 1 else [low, high]
    raw = high / most - low / most
    if raw <= 0:
        return [low]
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(step for step in (unit, 2 * unit, 5 * unit, 10 * unit) if step >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _lines(table: ResultTable, chart: TableChart, columns: dict[str, int], label: str) -> Html:
    """Return lines, from left to right in the order of the rows."""
    rows, x = table.drawn_rows(), table.columns.index(chart.x)
    points = [
        [(float(a), float(b)) for row in rows if is_finite(a := row[x]) and is_finite(b := row[at])]
        for at in columns.values()
    ]
    values = [value for line in points for _, value in line]
    scale = table.scale() or AxisScale(logarithmic=False, low=min(values), high=max(values))
    left, right = float(rows[0][x] or 0), float(rows[-1][x] or 0)
    across = _positions(AxisScale(logarithmic=False, low=left, high=right), 0, WIDTH)
    up = _positions(scale, HEIGHT, 0)
    lines = [
        _polyline([(across(a), up(b)) for a, b in line], at)
        for at, line in enumerate(points)
        if line
    ]
    grid = []
    for tick in ticks(scale):
        grid.append(_rule(LEFT, up(tick) + 6, LEFT + WIDTH, up(tick) + 6))
        grid.append(_text(LEFT - 6, up(tick) + 10, format_cell(tick, "setting"), "end"))
    area = f'x="{LEFT}" y="6" width="{WIDTH}" height="{HEIGHT}"'  # what is beyond it is cut off
    names = [
        _text(LEFT + WIDTH * share, HEIGHT + 22, text, anchor)
        for share, text, anchor in (
            (0, format_cell(left, "setting"), "start"),
            (0.5, chart.x, "middle"),
            (1, format_cell(right, "setting"), "end"),
        )
    ]
    inner = Html(f"<svg {area}>{joined(lines)}</svg>")
    return _svg((LEFT + WIDTH + RIGHT, HEIGHT + 28), *grid, inner, *names, label=label)


def _bars(table: ResultTable, chart: TableChart, columns: dict[str, int], label: str) -> Html:
    """Return horizontal bars, in the order of the rows, with lines of a standard deviation."""
    rows = table.drawn_rows()[:MOST_BARS]
    texts, x = table.texts(rows), table.columns.index(chart.x)
    names = [text[x] for text in texts]
    deviation = None if chart.deviation is None else table.columns.index(chart.deviation)
    ends = [0.0]
    for row in rows:
        spread = row[deviation] if deviation is not None else 0
        for value in (row[at] for at in columns.values()):
            if is_finite(value):
                reach = spread if is_finite(spread) else 0
                ends += [value - reach, value + reach]
    scale = AxisScale(logarithmic=False, low=min(ends), high=max(ends))
    longest = min(max(map(len, names)), CHARACTERS)
    left = 7 * longest + 10
    across = _positions(scale, left, left + WIDTH - 60)
    parts, y = list[Html](), 0
    for name, row, text in zip(names, rows, texts, strict=True):
        short = name if len(name) <= CHARACTERS else f"{name[: CHARACTERS - 1]}…"
        parts.append(_text(left - 6, y + BAR * len(columns) / 2 + 4, short, "end"))
        for at, column in enumerate(columns.values()):
            value = row[column]
            if is_finite(value):
                start, end = sorted((across(0), across(value)))
                size = f'width="{max(end - start, 1):.1f}" height="{BAR - 4}"'
                parts.append(Html(f'<rect class="c{at}" x="{start:.1f}" y="{y + 2}" {size}/>'))
                spread = row[deviation] if deviation is not None else None
                if is_finite(spread):
                    low, high, middle = across(value - spread), across(value + spread), y + BAR / 2
                    parts.append(_rule(low, middle, high, middle, "error-bar"))
                parts.append(_text(left + WIDTH - 50, y + BAR / 2 + 4, text[column]))
            y += BAR
        y += 4 * (len(columns) > 1)
    return _svg((left + WIDTH + RIGHT, y + 4), *parts, label=label)
