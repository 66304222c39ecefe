"""Neutral tables: each kind of value has one form in all renderers."""

from __future__ import annotations

import io
import math
import os
from contextlib import redirect_stdout
from dataclasses import replace
from typing import get_args
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.cli.display.terminal import print_table
from declnet.display.html import view
from declnet.display.tables import (
    Kind,
    ResultTable,
    TableChart,
    fault_of,
    faults_of_kinds,
    format_cell,
)
from declnet.runs.display.result_tables import evaluation_tables
from declnet.runs.inference.evaluation import CalibrationResult, Evaluation

from ..html_views import HtmlView

KINDS = get_args(Kind)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("number", {0.382: "0.3820", 0.0: "0.000", -3e-14: "0.000", 1.2345e-5: "1.234e-05"}),
        ("number", {2155.0: "2155", 12345.6: "12,346", 3.2e9: "3.200e+09", 4000: "4,000"}),
        (
            "decimal",
            {
                0.5: "0.500",
                9999.5: "9999.500",
                65308.857: "65309",
                2e-4: "2.00e-04",
                3: "3",
                math.nan: "-",
                None: "-",
            },
        ),
        ("setting", {1e-4: "0.0001", 32: "32", "relu": "relu", False: "false"}),
        ("share", {0.1234: "12.3 %", 1: "100.0 %", math.inf: "-"}),
        ("seconds", {1.256: "1.26", 2: "2.00"}),
        ("integer", {2024: "2024", 10**400: str(10**400)}),
    ],
)
def test_each_kind_of_value_has_one_form(kind, values):
    assert {value: format_cell(value, kind) for value in values} == values


cells = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text("ab<0.5")


@st.composite
def tables(draw):
    names = tuple(draw(st.lists(st.text("cde", min_size=1), min_size=2, max_size=4, unique=True)))
    row = st.tuples(*[cells] * len(names))
    kinds = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(KINDS)))
    rows, footer = draw(st.lists(row, max_size=4)), draw(st.lists(row, max_size=2))
    marks = ((0, 1, 0.5),) if rows else ()
    return ResultTable("t", names, tuple(rows), "", kinds, footer=tuple(footer), marks=marks)


@settings(max_examples=60)
@given(tables())
def test_the_terminal_and_html_show_the_same_texts(table):
    assert fault_of(table) is None
    (shown,) = HtmlView(view(table)).tables
    assert shown == [list(table.columns), *table.texts(), *table.texts(table.footer)]
    output = io.StringIO()
    with redirect_stdout(output), mock.patch.dict(os.environ, {"COLUMNS": "9999"}):
        print_table(table)
    words = [word for row in shown[1:] for text in row for word in text.split()]
    assert output.getvalue().split("─\n")[1].split() == words
    turned = table.turned()
    assert [list(turned.columns), *turned.texts()] == [
        list(row) for row in zip(*shown, strict=True)
    ]
    assert [(at, row) for row, at, _ in turned.marks] == [
        (row + 1, at - 1) for row, at, _ in table.marks
    ]


def test_notebooks_show_everything_that_the_command_line_prints():
    calibration = CalibrationResult(
        ("conformal 0.8",), 12, coverage={"coverage": 0.9167, "mean_width": 3.05, "promised": 0.8}
    )
    evaluation = Evaluation("test", 24, {"loss": 0.5}, calibration=calibration)
    text = HtmlView(evaluation._repr_html_()).text
    table = evaluation_tables(evaluation)["calibration"]
    assert table.note == "coverage 0.9167, mean_width 3.05, promised 0.8"
    assert table.title in text
    assert table.note in text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rows": ((1,),)}, "a row of 1 values for 2 columns"),
        ({"footer": (((), 1),)}, "which is not a plain value"),
        ({"kinds": {"a": "word"}}, 'an unknown kind "word"'),
        ({"kinds": {"c": "text"}}, 'no column "c"'),
        ({"columns": ("a", "a")}, "columns of different titles"),
    ],
)
def test_a_table_that_cannot_be_shown_says_why(change, fault):
    table = ResultTable("t", ("a", "b"), ((1, 2),))
    assert fault_of(table) is None
    assert fault in fault_of(replace(table, **change))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kinds": {"b": "share"}}, """has 'x' in the column "b" of kind share"""),
        ({"kinds": {"a": "integer"}}, """has 0.5 in the column "a" of kind integer"""),
        (
            {"chart": TableChart("lines", "b", ("a",))},
            """has 'x' in the column "b" of kind number""",
        ),
        ({"marks": ((0, 0, 1.5),)}, "has a mark of 1.5 at row 0, column 0"),
        ({"marks": ((1, 0, 1.0),)}, "has a mark of 1 at row 1, column 0"),
    ],
)
def test_kinds_and_marks_belong_to_the_right_cells(change, fault):
    table = ResultTable("t", ("a", "b"), ((0.5, "x"),), chart=TableChart("bars", "b", ("a",)))
    assert [*faults_of_kinds(table)] == []
    assert [*faults_of_kinds(replace(table, **change))] == [f'table "t" {fault}']
