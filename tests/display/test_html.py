"""HTML elements: balanced, with escaped texts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.display.html import collapsible, element, html, view
from declnet.display.tables import ResultTable

from ..html_views import HtmlView

HOSTILE = '<script>alert("x")</script> & \x1b[31m'


@settings(max_examples=30)
@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1, max_size=4))
def test_any_text_in_a_table_is_read_back_unchanged(rows):
    body = tuple(map(tuple, rows[1:]))
    table_view = HtmlView(view(ResultTable("cells", tuple(rows[0]), body, marks=((0, 1, -0.5),))))
    shown = [[html(cell) for cell in row] for row in rows]
    assert [[html(cell) for cell in row] for row in table_view.tables[0]] == shown


def test_scripts_become_text():
    markup = view(collapsible(HOSTILE, element("b", HOSTILE, kind="faint"), is_open=True))
    assert "<script" not in markup
    assert "\x1b" not in markup
    assert HtmlView(markup).text == 2 * HOSTILE.replace("\x1b", "\\u001b")


def test_html_is_escaped_once():
    assert html(html("<")) == "&lt;"
    assert element("b", element("i", "<")) == "<b><i>&lt;</i></b>"


def test_parts_are_folded_unless_they_are_open():
    assert collapsible("a", "b") == "<details><summary>a</summary>b</details>"
    assert collapsible("a", "b", is_open=True).startswith("<details open>")
