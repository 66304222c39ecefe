"""`benchmarks/tabular/results.py`: what survives a process that was killed while it wrote."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def results(repository: Path) -> dict[str, Any]:
    return runpy.run_path(str(repository / "benchmarks" / "tabular" / "results.py"))


def record(split: int, error: float) -> dict[str, Any]:
    return {"set": "pima", "split": split, "method": "catboost", "error": error}


def test_a_line_that_was_cut_off_is_ignored_and_replaced(
    results: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "folder" / "results.jsonl"
    results["append_record"](path, record(0, 0.25))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert [*results["read_records"](path)] == [("pima", 0, "catboost")]
    results["append_record"](path, record(1, 0.5))
    assert path.read_bytes().count(b"\n") == 2
    found = results["read_records"](path)
    assert [each["error"] for each in found.values()] == [0.25, 0.5]
