"""Diagnostics for people and programs: colored on a terminal, plain text elsewhere."""

from __future__ import annotations

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.cli.display.diagnostics import as_data, show_diagnostics
from declnet.display.excerpts import WIDEST, rendered
from declnet.errors import Diagnostic, Place


def problem(text, guilty, line=1, message="it is wrong", hint=None, code="E012", **place_fields):
    """Return a problem at the first occurrence of the guilty part in a line of text."""
    column = text.index(guilty) + 1
    place = Place("spec.toml", line, column, line, column + len(guilty), text)
    return Diagnostic(message, hint, ("a", "b"), code, place=place, **place_fields)


def marked(text):
    """Return the part of a rendered line above the carets; all characters have width 1."""
    lines = text.split("\n")
    carets = next(line for line in lines[3:] if "^" in line)
    source = lines[lines.index(carets) - 1]
    return source[carets.index("^") : carets.rindex("^") + 1]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("postgresql://me:s3c/r:et@host/db", "postgresql://me:********@host/db"),
        ("a+b://:pw@host", "a+b://:**@host"),
        ("x://host/db?user=me&sslpassword=pw&a=1", "x://host/db?user=me&sslpassword=**&a=1"),
        ("x://host:5432/db", "x://host:5432/db"),
        ("me:pw@host", "me:pw@host"),
    ],
)
def test_a_password_in_a_url_is_hidden(written, shown):
    line = f'source = {{ url = "{written}", path = 1 }}'
    said = problem(line, "1", message=f'"path" must be a path, not "{written}"', hint=written)
    text = rendered([said])
    assert f'not "{shown}"' in text
    assert f"help: {shown}" in text
    assert line.replace(written, shown) in text
    assert marked(text) == "1"
    assert written == shown or written not in f"{text}{said}{as_data([said])}"


def test_a_problem_without_a_place_is_shown_by_its_key_path():
    text = rendered([Diagnostic("wrong", "change it", ("model", "layers", 0), "E022")])
    assert text.startswith("error[E022]: wrong\n --> model.layers.0\n  = help: change it\n")
    assert rendered([Diagnostic("wrong", path=())]).split("\n")[1] == " --> spec"
    (data,) = as_data([Diagnostic("wrong", path=())])["problems"]
    assert (data["file"], data["line"], data["column"], data["path"]) == ("", 1, 1, "")
    empty = Diagnostic("wrong", path=("a",), place=Place("spec.toml", 3, 1, 3, 2, "  "))
    assert rendered([empty]).startswith("error[E060]: wrong\n --> spec.toml:3:1\n\n1 error")


@pytest.mark.parametrize(
    ("text", "guilty", "shown", "carets"),
    [
        ("\tepochs\t= ten", "ten", "    epochs    = ten", " " * 16 + "^^^"),
        ("a = 'x\ty'", "'x\ty'", "a = 'x    y'", "    ^^^^^^^^"),
        ('"漢字" = ten', "ten", '"漢字" = ten', " " * 9 + "^^^"),
        ('a = "漢字"', '"漢字"', 'a = "漢字"', "    ^^^^^^"),
        ('a = "🦆" # x', "# x", 'a = "🦆" # x', " " * 9 + "^^^"),
        ('"e\u0301" = ten', "ten", '"e\u0301" = ten', "      ^^^"),
        ("a = 'x\x1b[31my'", "'x\x1b[31my'", "a = 'x\ufffd[31my'", "    ^^^^^^^^^"),
        ("a = '\u202e' # x", "# x", "a = '\ufffd' # x", " " * 8 + "^^^"),
        ("a = 1   ", "1", "a = 1", "    ^"),
    ],
)
def test_carets_are_below_the_part_as_a_terminal_shows_it(text, guilty, shown, carets):
    lines = rendered([problem(text, guilty)]).split("\n")
    assert lines[3] == f"1 | {shown}"
    assert lines[4] == f"  | {carets}"


def test_an_empty_part_and_the_end_of_a_line_get_one_caret():
    for column, end in ((5, 5), (6, 6), (6, 7)):
        place = Place("spec.toml", 1, column, 1, end, "a = 1")
        lines = rendered([Diagnostic("wrong", path=("a",), place=place)]).split("\n")
        assert lines[4] == "  | " + " " * (column - 1) + "^"


@given(st.integers(0, 200) | st.just(5000), st.integers(0, 200))
def test_a_long_line_is_cut_around_the_part(before, after):
    text = "x" * before + "GUILTY" + "y" * after
    shown = rendered([problem(text, "GUILTY")])
    assert marked(shown) == "GUILTY"
    line = shown.split("\n")[3].removeprefix("1 | ")
    assert len(line.strip("…")) <= WIDEST
    assert line.strip("…") in text
    assert line.startswith("…") == (not text.startswith(line.strip("…")))
    assert line.endswith("…") == (not text.endswith(line.strip("…")))


def test_a_part_that_is_too_long_is_cut():
    lines = rendered([problem("a = " + "x" * 1000 + " # y", "x" * 1000)]).split("\n")
    assert lines[3] == "1 | a = " + "x" * (WIDEST - 4) + "…"
    assert lines[4] == "  |     " + "^" * (WIDEST - 4)


def test_messages_are_one_line_without_control_characters():
    diagnostic = Diagnostic("first\nsecond\x1b[2J " + "x" * 1000, "do\nthis\x07", ("a",))
    text = rendered([diagnostic])
    assert text.split("\n")[0].startswith("error[E060]: first second [2J xxx")
    assert len(diagnostic.message) == 500
    assert diagnostic.message.endswith("…")
    assert "= help: do this" in text
    assert not set(text) & {"\x1b", "\x07"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def on_terminal(monkeypatch):
    """Return the diagnostics as shown if stderr is a terminal."""

    def show(*diagnostics):
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            show_diagnostics(diagnostics)
        return terminal.getvalue()

    return show


@pytest.mark.parametrize("value", [None, "", "0", "anything"])
def test_a_terminal_gets_colors_unless_no_color_is_set(on_terminal, monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    shown = [problem("a = 1", "1"), problem("b", "b", code="W001")]
    said = on_terminal(*shown)
    assert re.sub(r"\x1b\[[\d;]*m", "", said) == rendered(shown) + "\n"
    assert said.startswith("error[E012]: " if value else "\x1b[91m\x1b[1merror[E012]\x1b[0m: ")
