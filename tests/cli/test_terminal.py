"""What `declnet run` shows on a terminal, and that it shows none of it elsewhere."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def spec(spec_file, document):
    document["data"] |= {"validation": 0.2, "test": document["data"]["train"]}
    document["training"] |= {"epochs": 3000, "log_every": 10}
    return spec_file(document)


def row(lines, name):
    """The last table row of that name."""
    return re.split(
        r"\s{2,}", [line for line in lines if line.strip().startswith(name)][-1].strip()
    )


def test_a_run_shows_its_layers_its_progress_its_losses_and_a_table(on_terminal, spec):
    screen = on_terminal("run", spec)
    assert screen.code == 0
    assert row(screen.lines, "dense_1") == ["dense_1", "dense", "(n, 4)", "12"]
    assert re.search(
        r"epoch +\d+/3000 .*━.* \d:\d\d:\d\d loss \d\.\d{3} \(validation \d", screen.text
    )
    curve = re.compile(r"^(?:validation )?loss +([▁▂▃▄▅▆▇█]+)  (\S+) to (\S+)$")
    curves = [found for line in screen.lines if (found := curve.match(line))]
    assert len(curves) == 2
    assert all(found[1].startswith("█") and found[1].endswith("▁") for found in curves)
    assert all(len(found[0]) <= 100 for found in curves)
    assert row(screen.lines, "train") == ["train", "validation", "test"]
    assert len(row(screen.lines, "accuracy")) == len(row(screen.lines, "loss")) == 4
    assert re.fullmatch(r"\d+\.\d\d s, runs/small-1", screen.lines[-2])


def test_the_log_lines_are_left_to_pipes_and_to_plain(on_terminal, spec, declnet_cli):
    assert "epoch: 0, acc: " not in on_terminal("run", spec).text
    piped = declnet_cli.succeeds("run", spec)
    plain = on_terminal("run", spec, "--plain").text
    assert plain.splitlines()[:-1] == piped.splitlines()[:-1]
    assert "\x1b" not in plain
    assert plain.startswith("epoch: 0, acc: ")


def test_quiet_shows_the_table_alone(on_terminal, spec):
    screen = on_terminal("run", spec, "--quiet")
    assert "dense_1" not in screen.text
    assert "━" not in screen.text
    assert "▁" not in screen.text
    assert row(screen.lines, "train") == ["train", "validation", "test"]


def test_with_output_in_a_file_the_bar_is_on_the_terminal(on_terminal, spec, tmp_path):
    screen = on_terminal("run", spec, stdout=False)
    assert "epoch" in screen.text
    assert "━" in screen.text
    lines = (tmp_path / "elsewhere").read_text("utf-8").splitlines()
    assert len(lines) == 301 + 4
    assert lines[0].startswith("epoch: 0, acc: ")
    assert lines[-4].startswith("train: acc: ")


def test_without_a_terminal_for_the_bar_there_are_lines(on_terminal, spec):
    screen = on_terminal("run", spec, stderr=False)
    assert "━" not in screen.text
    assert "epoch: 2999, acc: " in screen.text
    assert row(screen.lines, "train") == ["train", "validation", "test"]


def test_a_terminal_that_can_do_nothing_gets_lines(on_terminal, spec):
    screen = on_terminal("run", spec, TERM="dumb")
    assert "\x1b" not in screen.raw
    assert "epoch: 2999, acc: " in screen.text
    assert "train: acc: " in screen.text


def test_no_color_is_honoured(on_terminal, spec):
    raw = on_terminal("run", spec, NO_COLOR="1").raw
    assert not re.search(r"\x1b\[(3[0-9]|38;|9[0-7])", raw)


@pytest.mark.parametrize("columns", [40, 80])
def test_narrow_terminals_wrap_no_curve_and_no_bar(on_terminal, spec, columns):
    screen = on_terminal("run", spec, columns=columns)
    lines = [line for line in screen.lines if "▁" in line]
    assert len(lines) == 2
    assert max(map(len, lines)) <= columns, lines
    bars = [part for part in screen.text.replace("\n", "\r").split("\r") if "━" in part]
    assert all(len(part) <= columns for part in bars)
    if columns == 80:
        assert all("/3000 " in part for part in bars)


def test_seeds_have_a_bar_over_all_runs(on_terminal, spec):
    screen = on_terminal("run", spec, "--seeds", "0..2", "--jobs", "2")
    assert screen.code == 0
    assert re.search(r"run [0-3]/3 .*━", screen.text)
    assert len([line for line in screen.lines if line.startswith("small, seed ")]) == 3
    assert row(screen.lines, "mean")[0] == "mean"


def test_a_failed_run_leaves_the_terminal_as_it_was(on_terminal, spec):
    screen = on_terminal("run", spec, "--set", "optimizer.learning_rate=1e200")
    assert screen.code == 1
    assert "error: epoch" in screen.text
    assert screen.raw.rfind("\x1b[?25h") > screen.raw.rfind("\x1b[?25l")
