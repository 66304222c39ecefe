"""The composition page of the guide shows the commands' actual output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from declnet_pages.code_blocks import CodeBlock

FILE = re.compile(r"# (\S+\.toml)\n")
WRONG = 'extends = "spiral.toml"\n\n[optimizer]\nlearning_rat = 0.05\n'


@pytest.fixture
def page(blocks: list[CodeBlock]) -> list[CodeBlock]:
    return [block for block in blocks if block.page.stem == "composition"]


@pytest.fixture
def files(page: list[CodeBlock], tmp_path: Path) -> list[str]:
    """The specs that the page shows, written where the command line runs."""
    named = {match[1]: each.text for each in page if (match := FILE.match(each.text))}
    for name, text in named.items():
        (tmp_path / name).write_text(text, "utf-8")
    return list(named)


def output_after(page: list[CodeBlock], command: str) -> str:
    at = next(at for at, each in enumerate(page) if each.text.startswith(command))
    return page[at + 1].text


def test_the_specs_run(files, declnet_cli) -> None:
    assert files == ["spiral.toml", "sgd.toml"]
    for name in files:
        declnet_cli.succeeds("run", name, "--set", "training.epochs=2")


def test_the_override_is_right(files, page, declnet_cli) -> None:
    line = next(each.text for each in page if each.text.startswith("declnet run"))
    declnet_cli.succeeds("check", *line.split()[2:])


def test_show(files, page, declnet_cli) -> None:
    shown = output_after(page, "declnet show").strip()
    printed = declnet_cli.succeeds("show", "sgd.toml", "--set", "training.epochs=300").strip()
    beginning, end = shown.split("\n…\n")
    assert printed.startswith(beginning)
    assert printed.endswith(end)


def test_diff(files, page, declnet_cli) -> None:
    shown = output_after(page, "declnet diff")
    printed = declnet_cli.succeeds("diff", "spiral.toml", "sgd.toml")
    assert shown.strip("\n") == printed.strip("\n")


def test_a_problem(files, page, declnet_cli, tmp_path) -> None:
    (tmp_path / "wrong.toml").write_text(WRONG, "utf-8")
    said = declnet_cli("check", "wrong.toml").stderr
    assert next(each.text for each in page if each.text.startswith("error")) == said


def test_what_show_prints_is_a_whole_spec(files, declnet_cli, tmp_path) -> None:
    (tmp_path / "whole.toml").write_text(declnet_cli.succeeds("show", "sgd.toml"), "utf-8")
    assert "no differences" in declnet_cli.succeeds("diff", "sgd.toml", "whole.toml")
