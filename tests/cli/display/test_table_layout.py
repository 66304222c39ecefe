"""Table layout: no line is too wide, and omitted columns are reported."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.cli.display.table_layout import fitted, wrapped
from declnet.display.characters import cell_width
from declnet.display.tables import ResultTable, kinds_of

texts = st.text(st.sampled_from("ab /._-字"), max_size=60)
numbers = st.floats(-1e9, 1e9)


@st.composite
def tables(draw):
    names = draw(st.lists(texts.filter(str.strip), min_size=1, max_size=7, unique=True))
    numeric = draw(st.sets(st.sampled_from(names)))
    row = st.tuples(*[numbers if name in numeric else texts for name in names])
    rows, footer = draw(st.lists(row, max_size=4)), draw(st.lists(row, max_size=2))
    optional = draw(st.lists(st.sampled_from(names[1:]), unique=True)) if names[1:] else []
    return ResultTable(
        draw(texts),
        tuple(names),
        tuple(rows),
        kinds=kinds_of(numeric),
        footer=tuple(footer),
        optional=tuple(optional),
    )


@given(table=tables(), width=st.integers(20, 120))
def test_no_line_is_wider_and_every_character_is_shown(table, width):
    layout = fitted(table, width)
    lines = layout.text.split("\n")
    assert max(map(cell_width, lines)) <= width
    rows = [table.columns, *table.texts(), *table.texts(table.footer)]
    shown = [at for at, name in enumerate(table.columns) if name not in layout.left_out]
    cells = [table.title, *(row[at] for row in rows for at in shown)]
    expected = sorted("".join("".join(cell.split()) for cell in cells))
    assert sorted(re.sub(r"[\s─]", "", layout.text)) == expected
    if layout.full_width <= width:
        assert layout.left_out == ()


def test_the_least_important_columns_are_left_out_first():
    names = ("run", "loss", "train.accuracy", "test.accuracy", "seconds")
    table = ResultTable(
        "",
        names,
        (("a" * 15, 0.5, 0.25, 0.75, 3.25),),
        optional=("test.accuracy", "loss", *names[4:]),
    )
    assert fitted(table, 80).left_out == ()
    for width, left_out in (
        (50, {"seconds"}),
        (40, {"loss", "seconds"}),
        (29, set(names[1:]) - {names[2]}),
    ):
        layout = fitted(table, width)
        assert set(layout.left_out) == left_out, layout.text
        assert "0.250" in layout.text


def test_titles_wrap_before_columns_are_left_out_and_texts_where_all_are_needed():
    table = ResultTable("", ("name", "validation.mean_squared_error"), (("a", 0.5),))
    lines = fitted(table, 24).text.split("\n")
    assert lines[:2] == ["        validation.mean_", " name      squared_error"]
    field = ResultTable("", ("field", "description"), (("units", "number of units " * 8),))
    lines = fitted(field, 60).text.split("\n")
    assert len(lines) > 4
    assert all(line.endswith(("units", "of", "number")) for line in lines[2:])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "  three"]),
        ("runs/spiral_adam-12", ["runs/", "  spiral_", "  adam-12"]),
        ("abcdefghijklmno", ["abcdefghi", "  jklmno"]),
    ],
)
def test_lines_end_between_words_and_parts_of_paths(text, lines):
    assert wrapped(text, 9, indent=2) == lines
