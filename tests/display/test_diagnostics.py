"""`SpecError` in a notebook."""

from __future__ import annotations

import re
import sys

import pytest

import declnet

from ..html_views import HtmlView

SPEC = """\
declnet = 1
loss = "mse"
optimizer = { type = "adma" }
[variables]
w = "<x>"
[model]
layers = [{ type = "dense", units = "${w}" }]
[training]
epochs = 1e4
"""


@pytest.fixture
def error(tmp_path):
    (tmp_path / "bad.toml").write_text(SPEC, "utf-8")
    with pytest.raises(declnet.SpecError) as caught:
        declnet.load_spec(tmp_path / "bad.toml")
    return caught.value


def test_each_error_marks_its_part_of_the_line(error):
    shown = HtmlView(error._repr_html_())
    assert shown.inside("mark") == ['"mse"', '"adma"', '"${w}"', '"<x>"', "1e4"]
    for problem in error.problems:
        assert f"error[{problem.code}]: {problem.message}" in shown.text
        assert str(problem.place) in shown.text
        assert problem.help is None or f"help: {problem.help}" in shown.text
    assert 'note: "w" is defined here' in shown.text
    single = HtmlView(error.problems[1]._repr_html_())
    assert single.inside("mark") == ['"adma"']


def test_an_error_without_a_file_names_its_key():
    with pytest.raises(declnet.SpecError) as caught:
        declnet.parse_spec({"model": {"layers": [{"type": "dense", "unit": "<b>"}]}})
    assert "model.layers.0.unit" in HtmlView(caught.value._repr_html_()).text


def test_a_traceback_is_the_line_of_the_cell_and_the_diagnostics(error):
    lines = "\n".join(error._render_traceback_())
    plain = re.sub(r"\x1b\[\d+m", "", lines)
    assert plain.startswith("SpecError: 4 errors; `declnet explain")
    assert "declnet.load_spec(tmp_path" in plain
    assert "validate.py" not in plain
    assert '3 | optimizer = { type = "adma" }' in plain
    assert "\x1b[91m" in lines


def test_an_error_without_a_traceback_is_shown_as_well():
    plain = "".join(declnet.SpecError([declnet.Diagnostic("wrong")])._render_traceback_())
    assert "wrong" in plain


def test_ipython_shows_that_traceback(error, capsys):
    shell = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    ipython = shell.InteractiveShell()
    try:
        raise error
    except declnet.SpecError:
        ipython.showtraceback(sys.exc_info())
    finally:
        ipython.history_manager.end_session()
    printed = capsys.readouterr().out
    assert "help: did you mean" in printed
    assert "Traceback" not in printed
