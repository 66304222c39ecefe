"""Results as neutral tables: plain values, which a terminal and HTML render in their own way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard, get_args

from declnet.display.displayed import Displayed
from declnet.display.scales import AxisScale, axis_scale

Cell = str | int | float | bool | None
"""A value in a table; None or NaN if there is none."""

Row = tuple[Cell, ...]

Kind = Literal["text", "integer", "decimal", "number", "setting", "share", "seconds"]
"""What a column holds, which says how its values are written and aligned.

`text`; `integer`, as it is; `number`, with four significant digits, of which integers are counts,
with thousands separators; `decimal`, with three decimal places; `setting`, a value of a spec;
`share`, in percent; `seconds`.
"""


@dataclass(frozen=True)
class TableChart:
    """The chart that the report draws for a table.

    Attributes:
        mark: `"bars"` for a bar per row, `"lines"` for a line per column of `y` over numbers in
            `x`.
        x: the title of the column that names the bars, or of the numbers along the axis.
        y: the titles of the columns of values.
        deviation: for bars of one column: the title of the column of their standard deviations.
        axis: of lines, `"auto"` for an axis that is logarithmic if the values span decades, and
            is cut if the first rows, or a few others, would flatten the rest; else `"linear"`.
    """

    mark: Literal["bars", "lines"]
    x: str
    y: tuple[str, ...]
    deviation: str | None = None
    axis: Literal["linear", "auto"] = "linear"


@dataclass(frozen=True)
class ResultTable(Displayed):
    """A result: rows of plain values.

    Attributes:
        title: what the table holds; of several tables of an analysis, all different.
        columns: a title for each column, with the unit, if there is one.
        rows: a value for each column.
        note: how to read it, and on how many samples it was computed.
        kinds: what columns hold, by title; default: what their values are, integers and decimals.
        chart: how the report draws it; None for the table alone.
        footer: rows below the others that sum them up, e.g. a mean.
        marks: cells that are good or bad: row and column from 0, and how good, from -1 to 1.
        optional: columns that are left out where there is no room, the most important one first.
        decimals: the number of decimal places of numbers in columns, by title; default: as their
            kind says.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    chart: TableChart | None = None
    footer: tuple[Row, ...] = ()
    marks: tuple[tuple[int, int, float], ...] = ()
    optional: tuple[str, ...] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)

    def displayed(self) -> Iterable[object]:
        """Return the table as HTML, with its chart, if it has one; the numbers are then folded."""
        from declnet.display.charts import table_with_chart

        return (table_with_chart(self),)

    def column_kinds(self) -> list[Kind]:
        """Return the kind of each column, in order."""
        rows = (*self.rows, *self.footer)
        return [
            self.kinds.get(name) or _kind_of(row[at] for row in rows)
            for at, name in enumerate(self.columns)
        ]

    def right_aligned(self) -> list[bool]:
        """Return whether each column is aligned to the right, as numbers are."""
        return [
            kind != "text"
            if kind != "setting"
            else _kind_of(row[at] for row in self.rows) != "text"
            for at, kind in enumerate(self.column_kinds())
        ]

    def texts(self, rows: Iterable[Row] | None = None) -> list[list[str]]:
        """Return rows as they are shown; default: those above the footer."""
        kinds = self.column_kinds()
        decimals = [self.decimals.get(name) for name in self.columns]
        return [
            [
                _rounded(value, places) or format_cell(value, kind)
                for value, kind, places in zip(row, kinds, decimals, strict=True)
            ]
            for row in (self.rows if rows is None else rows)
        ]

    def drawn_rows(self) -> list[Row]:
        """Return the rows that the chart shows: those with a finite number to draw."""
        chart = self.chart
        if chart is None:
            return []
        x, at = self.columns.index(chart.x), [self.columns.index(name) for name in chart.y]
        return [
            row
            for row in self.rows
            if any(is_finite(row[place]) for place in at)
            and (chart.mark == "bars" or is_finite(row[x]))
        ]

    def scale(self) -> AxisScale | None:
        """Return the scale of the chart's values; None for a linear axis of all of them."""
        chart = self.chart
        if chart is None or chart.mark == "bars" or chart.axis == "linear":
            return None
        rows, at = self.drawn_rows(), [self.columns.index(name) for name in chart.y]
        return axis_scale([[v for row in rows if is_finite(v := row[i])] for i in at])

    def turned(self, kind: Kind = "text") -> ResultTable:
        """Return the table with a row for each column, and a column of a kind for each row."""
        columns = [self.columns, *self.texts(), *self.texts(self.footer)]
        (first, *names), *rows = zip(*columns, strict=True)
        marks = tuple((column - 1, row + 1, mark) for row, column, mark in self.marks)
        kinds: dict[str, Kind] = {first: "text", **dict.fromkeys(names, kind)}
        return ResultTable(self.title, (first, *names), tuple(rows), self.note, kinds, marks=marks)


def is_finite(value: object) -> TypeGuard[float]:
    """Return whether a value is a number that can be drawn."""
    return isinstance(value, int | float) and math.isfinite(value)


def kinds_of(names: Iterable[str], kind: Kind = "number") -> dict[str, Kind]:
    """Return columns of one kind, for `ResultTable.kinds`."""
    return dict.fromkeys(names, kind)


def _kind_of(values: Iterable[Cell]) -> Kind:
    types = {type(value) for value in values if value is not None}
    return "text" if str in types or not types else "decimal" if float in types else "integer"


def decimals_for(deviation: float | None) -> int | None:
    """Return how many decimal places show two significant digits of a standard deviation.

    Returns:
        The number; None if the deviation is unknown or 0, or if its digits would be too many.
    """
    if deviation is None or not 1e-6 <= deviation < 1e5:
        return None
    return max(0, 1 - math.floor(math.log10(deviation)))


def format_spread(mean: float | None, deviation: float | None) -> str:
    """Return a mean with its standard deviation, if known, e.g. `0.928 ± 0.014`."""
    if mean is None or not math.isfinite(mean) or not deviation:
        return format_metric(mean)
    places = decimals_for(deviation)
    if places is None:
        return f"{format_metric(mean)} ± {format_metric(deviation)}"
    return f"{mean:,.{places}f} ± {deviation:,.{places}f}"


def _rounded(value: Cell, places: int | None) -> str:
    """Return a finite number with decimal places; empty for anything else."""
    if places is None or not isinstance(value, int | float) or not math.isfinite(value):
        return ""
    return f"{value:,.{places}f}"


def format_cell(value: Cell, kind: Kind = "number") -> str:
    """Return a value as text; `-` for none."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    exact = isinstance(value, int) and kind in ("decimal", "setting")
    return str(value) if exact or kind not in _FORMATS else _FORMATS[kind](value)


def format_metric(value: float | None) -> str:
    """Return a value with four significant digits, so that columns line up; `-` for None."""
    return format_cell(value)


def format_number(value: float) -> str:
    """Format with three decimal places, or briefly if those would all be 0 or add nothing."""
    value = without_rounding(value)
    size = abs(value)
    if 1e4 <= size < 1e6:
        return f"{value:.0f}"
    return f"{value:.2e}" if 0 < size < 0.001 else f"{value:.3e}" if size >= 1e6 else f"{value:.3f}"


def without_rounding(value: float) -> float:
    """Return 0 for a value such as the r2 of a mean in float32, negative only by rounding."""
    return 0.0 if -1e-9 < value < 1e-15 else value


def _significant(value: float) -> str:
    """Format with four significant digits, or more before the point, but no more than seven."""
    if isinstance(value, int) or 9999.5 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{without_rounding(value):#.4g}".rstrip(".")


_FORMATS: dict[str, Callable[[float], str]] = {
    "decimal": format_number,
    "number": _significant,
    "setting": "{:.4g}".format,
    "share": lambda value: f"{100 * value:.1f} %",
    "seconds": "{:.2f}".format,
}


def fault_of(table: Any) -> str | None:
    """Return what is wrong with a table, or None."""
    if not isinstance(table, ResultTable):
        return f"{type(table).__name__} is not a ResultTable"
    texts = (table.title, table.note, *table.columns)
    if not all(isinstance(text, str) for text in texts) or not table.title:
        return "title, note and columns must be texts"
    faults = (*_faults_of_rows(table), *_faults_of_columns(table))
    return f'table "{table.title}" {faults[0]}' if faults else None


def _faults_of_rows(table: ResultTable) -> Iterator[str]:
    if not table.columns or len(set(table.columns)) < len(table.columns):
        yield "needs columns of different titles"
    for row in (*table.rows, *table.footer):
        if len(row) != len(table.columns):
            yield f"has a row of {len(row)} values for {len(table.columns)} columns"
        for value in row:
            if value is not None and type(value) not in (str, int, float, bool):
                yield f"has {value!r}, which is not a plain value"


def _faults_of_columns(table: ResultTable) -> Iterator[str]:
    chart = table.chart
    drawn = () if chart is None else (chart.x, *chart.y, *filter(None, (chart.deviation,)))
    for name in (*table.kinds, *table.optional, *table.decimals, *drawn):
        if name not in table.columns:
            yield f'has no column "{name}"'
    for kind in table.kinds.values():
        if kind not in get_args(Kind):
            yield f'has a column of an unknown kind "{kind}"'
    if chart is not None and (chart.mark not in ("bars", "lines") or not chart.y):
        yield "has a chart without a known mark or without values"
    elif chart is not None and chart.axis not in ("linear", "auto"):
        yield f'has a chart with an unknown axis "{chart.axis}"'


def faults_of_kinds(table: ResultTable) -> Iterator[str]:
    """Yield what a valid table declares otherwise than it is: kinds of cells, numbers, marks."""
    chart, kinds = table.chart, [*table.kinds.items()]
    if chart is not None:
        numbers = (*chart.y, *[chart.x] * (chart.mark == "lines"))
        kinds += [(name, "number") for name in numbers]
    for name, kind in kinds:
        for row in (*table.rows, *table.footer):
            cell = row[table.columns.index(name)]
            is_text = isinstance(cell, str) and kind not in ("text", "setting")
            rest = cell % 1 if isinstance(cell, float) and kind == "integer" else 0
            if is_text or 0 < rest < 1:  # not if it is NaN
                yield f'table "{table.title}" has {cell!r} in the column "{name}" of kind {kind}'
    for number, column, mark in table.marks:
        if not (number < len(table.rows) and column < len(table.columns) and -1 <= mark <= 1):
            yield f'table "{table.title}" has a mark of {mark:g} at row {number}, column {column}'
