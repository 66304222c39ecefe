"""Charts of tables in a notebook: well-formed, escaped, and with each value at its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet
from declnet.display.charts import HEIGHT, WIDTH, chart_html, ticks
from declnet.display.html import view
from declnet.display.scales import AxisScale
from declnet.display.tables import ResultTable, TableChart

from ..html_views import HtmlView

HOSTILE = "<script>alert(1)</script> & \"x' \u202e"


def lines(values, *names, axis="auto"):
    rows = tuple((epoch, *row) for epoch, row in enumerate(values))
    chart = TableChart("lines", "epoch", names, axis=axis)
    return ResultTable("loss", ("epoch", *names), rows, chart=chart)


def points(table):
    """Return the points of each line, except in the legend."""
    area = re.search(r'<svg x="\d+".*?</svg>', chart_html(table))[0]
    return [
        [tuple(map(float, point.split(","))) for point in line.split()]
        for line in re.findall(r'points="([^"]*)"', area)
    ]


cells = st.none() | st.integers(-(10**12), 10**12) | st.floats() | st.just(HOSTILE)


@settings(max_examples=60)
@given(st.lists(st.tuples(cells, cells, cells), max_size=5), st.sampled_from(["lines", "bars"]))
def test_any_table_is_shown_well_formed_and_escaped(rows, mark):
    rows = tuple((a, *(None if isinstance(c, str) else c for c in more)) for a, *more in rows)
    columns = (HOSTILE, "y & <b>", "<i>")
    deviation = columns[2] if mark == "bars" else None
    chart = TableChart(mark, columns[0], columns[1:2], deviation, "auto")
    table = ResultTable(HOSTILE, columns, rows, f"note {HOSTILE}", chart=chart)
    shown = HtmlView(view(table))  # which refuses a script, and elements that are not closed
    assert "i" not in shown.names
    (numbers,) = shown.tables
    assert numbers[0] == [text.replace("\u202e", "\\u202e") for text in columns]
    assert ("svg" in shown.names) == bool(table.drawn_rows())


def test_lines_are_where_their_values_are():
    (line,) = points(lines([(4.0,), (2.0,), (3.0,)], "train"))
    assert line == [(0, 0), (WIDTH / 2, HEIGHT), (WIDTH, HEIGHT / 2)]
    (decades,) = points(lines([(100.0,), (1.0,), (0.01,)], "train"))
    assert decades == [(0, 0), (WIDTH / 2, HEIGHT / 2), (WIDTH, HEIGHT)]
    first, second = points(lines([(1.0, None), (2.0, 1.0), (3.0, 3.0)], "train", "validation"))
    assert (len(first), second) == (3, [(WIDTH / 2, HEIGHT), (WIDTH, 0)])


def test_an_early_spike_leaves_the_chart():
    values = [(1e6,), *((1 - epoch / 100,) for epoch in range(50))]
    (line,) = points(lines(values, "train"))
    assert line[0][1] < 0
    assert all(0 <= y <= HEIGHT for _, y in line[1:])
    assert max(y for _, y in line) - line[1][1] > HEIGHT / 2
    assert "axis cut: 1 value is beyond it" in chart_html(lines(values, "train"))
    (whole,) = points(lines(values, "train", axis="linear"))
    assert min(y for _, y in whole) == 0


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.booleans())
def test_ticks_are_on_the_axis_and_few(low, length, logarithmic):
    scale = AxisScale(logarithmic and low > 0, low, low + length)
    marks = ticks(scale)
    assert 1 <= len(marks) <= 11
    assert all(low - length / 1e6 <= tick <= low + length * (1 + 1e-6) for tick in marks)


def test_results_of_programs_are_shown_one_below_the_other():
    class Study(declnet.Displayed):
        def displayed(self):
            return "5 < 6", lines([(1.0,), (2.0,)], "train"), ResultTable("<b>", ("a",), ((1,),))

    shown = HtmlView(Study()._repr_html_())
    assert "5 < 6" in shown.text
    assert len(shown.tables) == 2
    both = HtmlView(declnet.display.displayed.DisplayedTuple((Study(), Study()))._repr_html_())
    assert len(both.tables) == 4


@pytest.mark.parametrize("mark", ["lines", "bars"])
def test_a_chart_says_what_it_shows(mark):
    table = lines([(4.0,), (2.0,)], "train")
    chart = TableChart(mark, "epoch", ("train",))
    shown = HtmlView(view(ResultTable("loss", table.columns, table.rows, chart=chart)))
    what = {"lines": "Line", "bars": "Bar"}[mark]
    assert shown.inside("title") == [f"{what} chart of loss by epoch, from 2.000 to 4.000"]
