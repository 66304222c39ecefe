"""Wrong specs, and the exact output of declnet for each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from declnet.codes.catalogue import catalogue

from .cases import GALLERY, Case, cases
from .guilty import is_guilty, is_key, pointed_at
from .running import Done, run

CASES = list(cases())
EVERY_CASE = pytest.mark.parametrize(
    "case",
    [
        pytest.param(each, id=str(each), marks=[pytest.mark.skip(each.lacks)] if each.lacks else ())
        for each in CASES
    ],
)

AS_PROCESSES = {
    "byte_order_mark-toml",
    "check_of_a_component-toml",
    "more_units_than_classes-json",
    "several_problems-toml",
    "type_of_a_broken_plugin-json",
    "wide_characters-toml",
}
"""Cases that are also run as real processes."""

OF_NO_KEY = {"E001", "E002", "E004"}
"""Problems of a whole text, without a key."""


def said(done: Done) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = json.loads(done.out)["problems"]
    return problems


@EVERY_CASE
def test_the_output_is_as_expected(case: Case, tmp_path: Path) -> None:
    done = run(case.prepared(tmp_path), case.arguments)
    assert done.err == case.expected.read_text("utf-8"), "see tests/gallery/regenerate.py"
    assert done.code == (2 if re.search(r"^error\[", done.err, re.MULTILINE) else 0)
    shows_columns = done.out.startswith(" column")  # of a table that cannot be prepared
    assert done.code == 0 or done.out == "" or shows_columns


@EVERY_CASE
def test_every_place_is_the_wrong_key_or_value(case: Case, tmp_path: Path) -> None:
    folder = case.prepared(tmp_path)
    done = run(folder, [*case.arguments, "--format", "json"])
    assert done.err == ""
    problems = said(done)
    assert done.code == (2 if any(each["severity"] == "error" for each in problems) else 0)
    for problem in problems:
        if problem["code"] != "E001":
            check_place(problem, folder, overrides(case))


def check_place(problem: dict[str, Any], folder: Path, overrides: list[str]) -> None:
    """Require the text at a problem's place to be its key or value."""
    key = problem["path"].rpartition(".")[2]
    if problem["file"] == "--set":
        text = overrides[problem["line"] - 1]
        part = pointed_at({**problem, "line": 1, "end_line": 1}, text)
        assert part
        before = text[: problem["column"] - 1]
        assert before == "" or before[-1] in '.= "['
    else:
        text = (folder / problem["file"]).read_bytes().decode("utf-8-sig")
        part = pointed_at(problem, text)
        if problem["code"] == "E003":
            assert is_key(part, key)
        elif problem["code"] not in OF_NO_KEY:
            document = parsed(problem["file"], text)
            assert is_guilty(part, problem["path"], document), (problem, part)


def overrides(case: Case) -> list[str]:
    """Return the overrides in a case's arguments."""
    words = case.arguments
    return [words[at + 1] for at, word in enumerate(words) if word == "--set"]


def parsed(name: str, text: str) -> dict[str, Any]:
    """Parse a text."""
    document: dict[str, Any] = (json.loads if name.endswith(".json") else tomllib.loads)(text)
    return document


@pytest.mark.parametrize("case", [each for each in CASES if str(each) in AS_PROCESSES], ids=str)
def test_a_real_process_has_the_same_output(case: Case, tmp_path: Path) -> None:
    folder = case.prepared(tmp_path)
    path = os.pathsep.join([str(folder / "installed"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "declnet", *case.arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == case.expected.read_text("utf-8")
    assert done.returncode == run(folder, case.arguments).code


def test_every_code_has_a_case() -> None:
    found = {
        code
        for case in CASES
        for code in re.findall(r"^\w+\[(\w+)\]", case.expected.read_text("utf-8"), re.MULTILINE)
    }
    assert found == set(catalogue())


def test_a_case_has_no_more_than_it_needs() -> None:
    for case in CASES:
        expected = {each.expected.name for each in CASES if each.folder == case.folder}
        there = {each.name for each in case.folder.glob("expected*")}
        assert there == expected, case.folder.name
        if (case.folder / case.spec).is_file():
            lines = (case.folder / case.spec).read_bytes().splitlines()
            assert len(lines) <= 30, case.folder.name


def test_no_path_of_this_machine_is_expected() -> None:
    for case in CASES:
        expected = case.expected.read_text("utf-8")
        assert not re.search(r"Traceback|/(tmp|home|root|Users|private)/", expected), case
        assert str(GALLERY) not in expected
