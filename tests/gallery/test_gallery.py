"""Wrong specs, and the exact output of declnet for each of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from declnet.codes.catalogue import catalogue

from .cases import Case, cases
from .running import run

CASES = list(cases())
EVERY_CASE = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=[pytest.mark.skip(case.lacks)] if case.lacks else ())
        for case in CASES
    ],
)

AS_PROCESSES = {
    "several_problems-toml",
    "type_of_a_broken_plugin-json",
    "wide_characters-toml",
}
"""Cases that are also run as real processes."""


@EVERY_CASE
def test_the_output_is_as_expected(case: Case, tmp_path: Path) -> None:
    done = run(case.prepared(tmp_path), case.arguments)
    assert done.err == case.expected.read_text("utf-8"), "see tests/gallery/regenerate.py"
    assert done.code == (2 if re.search(r"^error\[", done.err, re.MULTILINE) else 0)
    shows_columns = done.out.startswith(" column")  # of a table that cannot be prepared
    assert done.code == 0 or done.out == "" or shows_columns
    assert not re.search(r"Traceback|/(tmp|home|root|Users|private)/", done.err)


@pytest.mark.parametrize("case", [case for case in CASES if case.spec == "spec.json"], ids=str)
def test_problems_as_data_equal_the_text(case: Case, tmp_path: Path) -> None:
    if case.lacks:
        pytest.skip(case.lacks)
    done = run(case.prepared(tmp_path), [*case.arguments, "--format", "json"])
    problems = json.loads(done.out)["problems"]
    assert done.err == ""
    assert done.code == (2 if any(one["severity"] == "error" for one in problems) else 0)
    shown = re.findall(
        r"^(error|warning)\[(\w+)\]: (.*)\n *--> ([^:\n]+)(?::(\d+):(\d+))?",
        case.expected.read_text("utf-8"),
        re.MULTILINE,
    )
    keys = ("severity", "code", "message", "file", "line", "column")
    data = [tuple(str(problem[key]) for key in keys) for problem in problems]
    assert data == [(*heading, line or "1", column or "1") for *heading, line, column in shown]


@pytest.mark.parametrize("case", [case for case in CASES if str(case) in AS_PROCESSES], ids=str)
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
    codes = {
        code
        for case in CASES
        for code in re.findall(r"^\w+\[(\w+)\]", case.expected.read_text("utf-8"), re.MULTILINE)
    }
    assert codes == set(catalogue()) - {"E080"}, "which only a run has"


def test_a_case_has_no_more_than_it_needs() -> None:
    for case in CASES:
        expected = {other.expected.name for other in CASES if other.folder == case.folder}
        there = {path.name for path in case.folder.glob("expected*")}
        assert there == expected, case.folder.name
        if (case.folder / case.spec).is_file():
            lines = (case.folder / case.spec).read_bytes().splitlines()
            assert len(lines) <= 30, case.folder.name
