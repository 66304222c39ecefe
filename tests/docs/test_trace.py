"""The calculations on the page on tracing, which are right for the numbers of the trace."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from declnet_pages.code_blocks import CodeBlock

LINE = re.compile(r"^\w[\w\s]*(?:\[[\d, ]+\])? = (?P<terms>.+) = (?P<value>-?\d\.\d{4})$")


@pytest.fixture
def page(blocks: list[CodeBlock]) -> list[CodeBlock]:
    return [block for block in blocks if block.page.stem == "trace"]


@pytest.fixture
def spec(page: list[CodeBlock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's spec and data, written where the command line runs."""
    monkeypatch.chdir(tmp_path)
    exec(next(block.text for block in page if block.language == "python"), {})
    text = next(block.text for block in page if block.verb == "saved")
    (tmp_path / "two_units.toml").write_text(text, "utf-8")
    return "two_units.toml"


def test_every_line_by_hand_is_right(page: list[CodeBlock], spec: str, declnet_cli: Any) -> None:
    shown = set(re.findall(r"\d+\.\d{4}", declnet_cli.succeeds("trace", spec)))
    by_hand = [block for block in page if block.verb != "prints"]
    matches = (LINE.match(line) for block in by_hand for line in block.text.splitlines())
    lines = [(line["terms"], line["value"]) for line in matches if line]
    assert len(lines) == 33
    for terms, value in lines:
        result = eval(terms, {"tanh": math.tanh})
        assert result == pytest.approx(float(value), abs=1.2e-4), terms
        assert set(re.findall(r"\d+\.\d{4}", terms)) <= shown, terms


def test_every_key_is_on_the_page(spec: str, docs: Path, declnet_cli: Any) -> None:
    traced = json.loads(declnet_cli.succeeds("trace", spec, "--format", "json", "--verify"))
    text = (docs / "how_to" / "trace.md").read_text("utf-8")
    layer = traced["layers"][0]
    parameter = layer["parameters"]["weights"]
    tables = [traced, traced["loss"], traced["optimizer"], traced["verification"], layer, parameter]
    keys = {key for table in tables for key in table} | set(layer["central_differences"])
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []
