"""Each line that the page on tracing works by hand is right, and none is missing."""

from __future__ import annotations

import ast
import json
import math
import operator
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from declnet_pages.code_blocks import CodeBlock

LINE = re.compile(r"^(?P<name>.+?)(?P<index>\[[\d, ]+\])? = (?P<terms>.+) = (?P<value>-?[\d.]+)$")
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@pytest.fixture
def page(blocks: list[CodeBlock]) -> list[CodeBlock]:
    return [block for block in blocks if block.page.stem == "trace"]


@pytest.fixture
def spec(page: list[CodeBlock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's spec and data, written where the command line runs."""
    monkeypatch.chdir(tmp_path)
    exec(next(each.text for each in page if each.language == "python"), {})
    text = next(each.text for each in page if each.verb == "saved")
    (tmp_path / "two_units.toml").write_text(text, "utf-8")
    return "two_units.toml"


@pytest.fixture
def traced(spec: str, declnet_cli: Any) -> dict[str, Any]:
    return json.loads(declnet_cli.succeeds("trace", spec, "--format", "json", "--verify"))


def lines_by_hand(page: list[CodeBlock]) -> list[re.Match[str]]:
    found = (LINE.match(line) for block in page for line in block.text.splitlines())
    return [each for each in found if each is not None and "  " not in each[0]]


def calculated(node: ast.expr) -> float:
    """The value of an expression of numbers, as a calculator gives it."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.UnaryOp):
        return -calculated(node.operand)
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](calculated(node.left), calculated(node.right))
    assert isinstance(node, ast.Call)
    assert ast.unparse(node.func) == "tanh"
    return math.tanh(calculated(node.args[0]))


def test_every_line_by_hand_gives_the_number_of_the_trace(page, traced) -> None:
    lines = lines_by_hand(page)
    assert len(lines) == 33
    for line in lines:
        found = number_of(traced, line["name"], json.loads(line["index"] or "[]"))
        assert f"{found:.4f}" == line["value"], line[0]
        by_hand = calculated(ast.parse(line["terms"], mode="eval").body)
        assert by_hand == pytest.approx(float(line["value"]), abs=1.2e-4), line[0]


def test_every_number_that_is_trained_is_worked_by_hand(page, traced) -> None:
    by_hand = {line["name"] + (line["index"] or "") for line in lines_by_hand(page)}
    expected = {"losses[0]", "losses[1]", "data_loss", "penalty", "loss", "learning_rate"}
    for layer in traced["layers"]:
        name = layer["name"]
        expected |= set(elements(f"{name} y", layer["y"])) | set(
            elements(f"{name} dy", layer["dy"])
        )
        for key, each in layer["parameters"].items():
            expected |= set(elements(f"{name} d{key}", each["gradient"]))
            expected |= set(elements(f"{name} {key} velocity", each["before"]))
            expected |= set(elements(f"{name} {key} after", each["after"]))
    assert by_hand == expected


def test_every_key_is_on_the_page(traced, docs: Path) -> None:
    text = (docs / "guide" / "trace.md").read_text("utf-8")
    layer = traced["layers"][0]
    parameter = layer["parameters"]["weights"]
    tables = [traced, traced["loss"], traced["optimizer"], traced["verification"], layer, parameter]
    keys = {key for each in tables for key in each} | set(layer["central_differences"])
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def elements(name: str, array: Any) -> Iterator[str]:
    for index in np.ndindex(np.shape(array)):
        yield f"{name}{list(index)}"


def number_of(traced: dict[str, Any], name: str, index: list[int]) -> float:
    """The number in the JSON that a line's name stands for."""
    first, _, rest = name.partition(" ")
    layers = {each["name"]: each for each in traced["layers"]}
    if not rest:
        found = traced["optimizer"] if first == "learning_rate" else traced["loss"]
        value = found[first]
    elif rest in ("y", "dy"):
        value = layers[first][rest]
    else:
        parameter, _, what = rest.partition(" ")
        key = parameter if what else parameter.removeprefix("d")
        table = layers[first]["parameters"][key]
        places = {"": table["gradient"], "after": table["after"]}
        value = places[what] if what in places else table["state_after"][what]
    return float(np.asarray(value)[tuple(index)])
