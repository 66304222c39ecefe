"""`benchmarks/tables.py`, the command: its splits, its report, and fits that are resumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

Tables = Callable[..., subprocess.CompletedProcess[str]]

SPLITS = """
from collections import Counter
from tabular.sets import TableSet
from tabular.tasks import Task

cells = [str(row) for row in range(6100)]
classes = ["rare" if row < 61 else "" if row >= 6000 else "usual" for row in range(6100)]
data = TableSet("made", {"x": cells, "y": classes}, "y", "classification")
first, second = (Task(data, split).rows for split in range(2))
assert [len(rows) for rows in first.values()] == [1200, 400, 400], first
rows = sum(first.values(), [])
assert len(set(rows)) == 2000 and max(rows) < 6000
assert set(rows) == set(sum(second.values(), [])) and first != second
for name, share in {"train": 12, "validation": 4, "test": 4}.items():
    rare = sum(row < 61 for row in first[name])
    assert abs(rare - share) <= 1, (name, rare)
    assert first[name] != sorted(first[name])
assert Task(data, 0).rows == first
assert Task(data, 0).fingerprint != Task(data, 1).fingerprint
other = TableSet("made", {"x": ["-1", *cells[1:]], "y": classes}, "y", "classification")
changed = 0 in set(rows)
assert (Task(other, 0).fingerprint != Task(data, 0).fingerprint) == changed
"""


@pytest.fixture
def tables(repository: Path, tmp_path: Path) -> Tables:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(repository / "benchmarks" / "tables.py"), *words]
        command += ["--results", str(tmp_path / "results.jsonl")]
        paths = [str(repository), str(repository / "plugins")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=300
        )

    return call


def write(path: Path, errors: dict[str, dict[str, float]], seconds: dict[str, float]) -> None:
    """Write records with the same errors for both splits, and some of an unfinished set."""
    records: list[dict[str, Any]] = [
        {"set": name, "split": split, "method": method, "error": error}
        for name, found in errors.items()
        for split in range(2)
        for method, error in found.items()
    ]
    records.append({"set": "sonar", "split": 0, "method": "catboost", "error": 0.5})
    path.write_text(
        "".join(
            json.dumps(
                {**each, "processor_seconds": seconds[each["method"]], "processor": "a processor"}
            )
            + "\n"
            for each in records
        )
    )


def test_splits_are_fixed_disjoint_and_stratified(repository: Path) -> None:
    folder = repository / "benchmarks"
    done = subprocess.run(
        [sys.executable, "-c", SPLITS], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_report_compares_what_is_finished(tables: Tables, tmp_path: Path) -> None:
    ours, theirs = "declnet:realmlp_td", "pytabkit:realmlp_td"
    errors = {
        "pima": {ours: 0.2, theirs: 0.25, "catboost": 0.3},
        "wdbc": {ours: 0.04, theirs: 0.040001, "catboost": 0.02},  # equal but for rounding
    }
    write(tmp_path / "results.jsonl", errors, {ours: 2.0, theirs: 5.0, "catboost": 1.0})
    done = tables("--report")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "2 sets (1 more lack results of some method), 2 splits each. Times are of one thread of "
        "a processor."
    )
    assert f"| {ours} | 0.500 | 0.000 to 1.000 | 1.75 | 2 |" in lines
    assert "| catboost | 0.500 | 0.000 to 1.000 | 2.00 | 1 |" in lines
    share = "1 (50%; 0% to 100%)"
    assert f"| {ours} | {theirs} | -0.250 | -0.500 to +0.000 | {share}, 1, 0 | 2.5 |" in lines
    assert "| wdbc | 4.00 | **2.00** | 4.00 |" in lines


@pytest.mark.skipif(
    not (find_spec("sklearn") and find_spec("pandas")), reason="needs scikit-learn and pandas"
)
def test_fits_are_recorded_once_and_resumed(tables: Tables, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    method = "declnet:linear"
    stale = {"set": "diabetes", "split": 0, "method": method, "data": "of another version"}
    path.write_text(json.dumps(stale) + "\n")
    for count in (1, 0):
        done = tables("--sets", "diabetes", "--splits", "0", "--methods", method)
        assert done.returncode == 0, done.stderr
        assert f"{count} to fit of 1" in done.stderr
    _, record = map(json.loads, path.read_text().splitlines())
    assert (record["method"], record["rows"]) == (method, [265, 89, 88])
    assert 0.5 < record["error"] < 0.95  # better than the mean, but the set is a hard one
    assert 0 < record["processor_seconds"] < 60
