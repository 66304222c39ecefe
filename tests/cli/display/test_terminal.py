"""Output of `declnet run` on a terminal, and only there."""

from __future__ import annotations

import math
import re
from contextlib import redirect_stdout
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from declnet.cli.display.terminal import BLOCKS, print_table, sparkline
from declnet.display.characters import escaped_line
from declnet.display.tables import ResultTable
from tests.cli.conftest import rows


def test_outside_a_terminal_tables_are_wrapped_and_neither_cut_nor_colored(capsys):
    long = "x" * 5000
    print_table(ResultTable("things", ("name", "[bold]"), (("a", long), ("[red]b", "1"))))
    lines = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in lines] == lines
    assert max(map(len, lines)) <= 200
    assert sum(line.count("x") for line in lines) == 5000
    assert any("[red]b" in line for line in lines)


texts = st.text(st.sampled_from("ab-0.é字\t\n\u001b[]"), max_size=6)


@settings(max_examples=40)
@given(st.data())
def test_a_file_gets_what_a_terminal_of_any_width_shows(data):
    columns = data.draw(st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True))
    row = st.tuples(*[texts] * len(columns))
    body, foot = data.draw(st.lists(row, max_size=4)), data.draw(st.lists(row, max_size=2))
    numeric, title = (
        data.draw(st.sets(st.sampled_from(columns))),
        data.draw(st.none() | st.just("t")),
    )
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.title = Text(escaped_line(title)) if title else None
    for name in columns:
        table.add_column(Text(escaped_line(name)), justify="right" if name in numeric else "left")
    for cells in body:
        table.add_row(*map(Text, map(escaped_line, cells)))
    if foot:
        table.add_section()
    for cells in foot:
        table.add_row(*map(Text, map(escaped_line, cells)))
    wide, plain = Console(file=StringIO(), width=1000), StringIO()
    wide.print(table)
    with redirect_stdout(plain):
        kinds = {name: "number" if name in numeric else "text" for name in columns}
        footer = tuple(foot)
        print_table(ResultTable(title or "", tuple(columns), tuple(body), "", kinds, footer=footer))
    expected, in_file = (
        "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip("\n")
        for output in (wide.file, plain)
    )
    assert in_file == expected


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([7, 0], 8, "█▁"),
        ([3, 3, 3], 8, "▁▁▁"),
        ([], 8, ""),
        ([0, 2, 6, 8], 2, "▁█"),
        ([0, math.nan, 1], 8, "▁ █"),
        ([math.inf, 0, 1], 8, " ▁█"),
        ([-1e308, 1e308], 8, "▁█"),
    ],
)
def test_the_curve_is_scaled_from_the_smallest_to_the_largest(values, width, shown):
    assert sparkline(values, width) == shown


@given(st.lists(st.floats(-1e9, 1e9)), st.integers(1, 80))
def test_no_curve_is_wider_than_it_may_be(values, width):
    shown = sparkline(values, width)
    assert len(shown) == min(width, len(values))
    assert set(shown) <= set(BLOCKS)


@pytest.fixture
def spec(spec_file, document):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"epochs": 15000, "log_every": 150}
    return spec_file(document)


def row(lines, name):
    """Return the last table row with this name."""
    return rows([line for line in lines if line.strip().startswith(name)][-1])[0]


HEAD = ["train", "validation", "test"]


def test_a_run_shows_its_layers_progress_losses_and_a_table(on_terminal, spec):
    screen = on_terminal("run", spec)
    assert screen.code == 0
    assert row(screen.lines, "dense_1") == ["dense_1", "dense", "(n, 4)", "12"]
    shown = r"epoch +\d+/15000 .*━.* left: \d+:\d\d +acc \d\.\d{3} \(validation \d"
    assert re.search(shown, screen.text)
    curve = re.compile(r"^(?:validation )?loss +([▁▂▃▄▅▆▇█]+)  (\S+) to (\S+)$")
    curves = [chart for line in screen.lines if (chart := curve.match(line))]
    assert len(curves) == 2
    assert all(chart[1].startswith("█") and chart[1].endswith("▁") for chart in curves)
    assert all(len(chart[0]) <= 100 for chart in curves)
    assert row(screen.lines, "train") == HEAD
    assert len(row(screen.lines, "accuracy")) == len(row(screen.lines, "loss")) == 4
    at = next(at for at, line in enumerate(screen.lines) if line.startswith("next: "))
    assert re.fullmatch(r"\d+\.\d\d s, runs/small-1", screen.lines[at - 1])
    assert any(line.endswith("declnet predict runs/small-1 INPUT") for line in screen.lines[at:])
    assert "epoch: 0, acc: " not in screen.text


def test_plain_prints_what_a_pipe_gets(on_terminal, spec, declnet_cli):
    plain = on_terminal("run", spec, "--plain").text
    assert plain.splitlines()[:-4] == declnet_cli.succeeds("run", spec).splitlines()[:-4]
    assert "\x1b" not in plain
    assert plain.startswith("epoch: 0, acc: ")


def test_with_output_in_a_file_the_bar_is_on_the_terminal(on_terminal, spec, tmp_path):
    screen = on_terminal("run", spec, stdout=False)
    assert "epoch" in screen.text
    assert "━" in screen.text
    lines = (tmp_path / "elsewhere").read_text("utf-8").splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("next: "))
    assert at == 101 + 5
    assert lines[0].startswith("epoch: 0, acc: ")
    assert lines[at - 5].startswith("train: acc: ")
    assert re.match(r"test accuracy: \S+, baseline \S+ \(always ", lines[at - 2])


@pytest.mark.parametrize("options", [{"TERM": "dumb"}, {"stderr": False}])
def test_epochs_are_logged_where_there_is_no_bar(on_terminal, spec, options):
    screen = on_terminal("run", spec, **options)
    assert "━" not in screen.text
    assert ("\x1b" in screen.raw) == ("stderr" in options)
    assert "epoch: 14999, acc: " in screen.text


@pytest.mark.parametrize("columns", [40, 80])
def test_narrow_terminals_wrap_no_curve_and_no_bar_and_no_color_is_honored(
    on_terminal, spec, columns
):
    screen = on_terminal("run", spec, columns=columns, NO_COLOR="1")
    assert not re.search(r"\x1b\[(3[0-9]|38;|9[0-7])", screen.raw)
    lines = [line for line in screen.lines if "▁" in line]
    assert len(lines) == 2
    assert max(map(len, lines)) <= columns, lines
    bars = [part for part in screen.text.replace("\n", "\r").split("\r") if "━" in part]
    assert all(len(part) <= columns for part in bars)
    if columns == 80:
        metrics = r"acc \S+ \(validation \d\.\d{3}\)(, loss .*\))?"
        whole = rf"epoch +\d+/15000 [━╸╺ ]+ left: \S+ +({metrics})? *"
        assert [part for part in bars if not re.fullmatch(whole, part)] == []


def test_seeds_have_a_bar_over_all_runs(on_terminal, spec):
    screen = on_terminal("run", spec, "--seeds", "0..2")
    assert screen.code == 0
    assert re.search(r"run [0-3]/3 .*━", screen.text)
    assert len([line for line in screen.lines if line.startswith("small, seed ")]) == 3
    assert row(screen.lines, "mean")[0] == "mean"


def test_a_failed_run_leaves_the_terminal_as_it_was(on_terminal, spec):
    screen = on_terminal("run", spec, "--set", "optimizer.learning_rate=1e200")
    assert screen.code == 1
    assert "error: epoch" in screen.text
    # no bar has hidden the cursor, or it is shown again
    assert screen.raw.rfind("\x1b[?25h") >= screen.raw.rfind("\x1b[?25l")
