"""The command `benchmarks/tables.py`: splits, reports, and resumed fits."""

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
from tabular.table_set import TableSet
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

tested = Task(data, 0, 2000, more_tests=3000).rows
assert tested["train"] == first["train"] and tested["test"][:400] == first["test"]
assert len(tested["test"]) == 3400 and not set(tested["test"]) & set(tested["train"])
folds = [fold.rows for fold in Task(data, 0, 1998).folds]
learned = [sorted(fold["train"] + fold["validation"]) for fold in folds]
assert learned == learned[:1] * 5 and len(learned[0]) == 1595, len(learned[0])
assert sorted(sum((fold["validation"] for fold in folds), [])) == learned[0]
for fold in folds:
    assert (len(fold["train"]), fold["test"]) == (1276, folds[0]["test"])
    assert 2 <= sum(row < 61 for row in fold["validation"]) <= 4
"""

LISTS = """
import re
from collections import Counter
from tabular import reporting
from tabular.reporting import REPORTING, TUNED
from tabular.sets import DEVELOPMENT, LISTINGS

assert len(REPORTING) >= 25 and len(LISTINGS) == len(REPORTING) + len(DEVELOPMENT)
places = {(listing.wheel, listing.place) for listing in DEVELOPMENT}
assert not places & {(listing.wheel, listing.place) for listing in REPORTING}
unseen = "wine|abalone|yeast|loan|lend|hotel|hous|cells|vote|police|balanced/raw/(?!page|kr|poker)"
for listing in REPORTING:
    assert not re.search(unseen, listing.place) and not listing.texts, listing
for kind in ("TWO_CLASSES", "RARE_CLASS", "MORE_CLASSES", "NUMBERS", "COUNTS"):
    sources = Counter(
        (listing.wheel, listing.place.split("/")[0]) for listing in getattr(reporting, kind)
    )
    assert max(sources.values()) <= 3, (kind, sources)
assert len(TUNED) >= 10 and set(TUNED) <= {listing.name for listing in REPORTING}
"""

WEIGHTS = """
import numpy as np
from pathlib import Path
from tabular.bagging import bagged, selected_weights, tuned
from tabular.table_set import TableSet
from tabular.tasks import Task

y = np.arange(12.0)
around = np.array([y + 1, y - 1, y + 9])
assert selected_weights(around, y).tolist() == [0.5, 0.5, 0.0]
sure = np.array([[0.9, 0.1], [0.2, 0.8]])
assert selected_weights(np.array([1 - sure, sure]), np.array([0, 1])).tolist() == [0.0, 1.0]

data = TableSet("made", {"x": [""] * 100, "y": [*map(str, range(100))]}, "y", "regression")
def mean_and(added):
    def prepare(task, folder):
        mean = task.target("train").mean() + added
        return lambda: lambda part="test": np.full(len(task.rows[part]), mean)
    return prepare
task = Task(data, 0, seconds=0)
means = [fold.target("train").mean() for fold in task.folds]
assert np.allclose(bagged(mean_and(0))(task, Path())()(), np.mean(means))
assert len(set(means)) > 1
tried = []
def settings(trial):
    tried.append(trial)
    return mean_and(trial)
assert np.allclose(tuned(settings)(task, Path())()(), np.mean(means)) and tried == [0]
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
    """Write records with equal errors for both splits, and one record of an unfinished set."""
    records: list[dict[str, Any]] = [
        {"set": name, "split": split, "method": method, "error": error}
        for name, errors_of_set in errors.items()
        for split in range(2)
        for method, error in errors_of_set.items()
    ]
    records.append({"set": "sonar", "split": 0, "method": "catboost", "error": 0.5})
    for record in records:
        record.update(processor_seconds=seconds[record["method"]], processor="a processor")
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(SPLITS, id="splits are fixed, disjoint and stratified, and so are folds"),
        pytest.param(LISTS, id="reporting sets are apart from development sets"),
        pytest.param(WEIGHTS, id="models of folds are averaged, and trials weighed"),
    ],
)
def test_the_protocol(repository: Path, script: str) -> None:
    folder = repository / "benchmarks"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_report_compares_finished_sets(tables: Tables, tmp_path: Path) -> None:
    ours, theirs = "declnet:realmlp_td", "pytabkit:realmlp_td"
    errors = {
        "pima": {ours: 0.2, theirs: 0.25, "catboost": 0.3},
        "wdbc": {ours: 0.04, theirs: 0.040001, "catboost": 0.02},  # equal up to rounding
    }
    write(tmp_path / "results.jsonl", errors, {ours: 2.0, theirs: 5.0, "catboost": 1.0})
    done = tables("--report")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "## Development sets, single models",
        "",
        "2 sets, 2 splits each. Times are of one thread of a processor. Left out: sonar (no result "
        f"of {ours}, {theirs}).",
    ]
    assert f"| {ours} | 0.500 | 0.000 to 1.000 | 1.75 | 1 | 2 |" in lines
    assert "| catboost | 0.500 | 0.000 to 1.000 | 2.00 | 1 | 1 |" in lines
    share = "1 (50%; 0% to 100%)"
    assert f"| {ours} | {theirs} | -0.250 | -0.500 to +0.000 | {share}, 1, 0 | 2.5 |" in lines
    assert "| wdbc | 4.00 | **2.00** | 4.00 |" in lines


def test_the_report_has_wins_and_losses_on_reporting_sets(tables: Tables, tmp_path: Path) -> None:
    new, peers = "declnet:new bagged", ["linear", "forest", "boosting", "mlp"]
    errors = {
        "phishing": {new: 0.1, **{f"sklearn:{kind} bagged": 0.2 for kind in peers}},
        "OJ": {new: 0.4, **{f"sklearn:{kind} bagged": 0.3 for kind in peers}},
    }
    path = tmp_path / "results.jsonl"
    write(path, errors, dict.fromkeys((*errors["OJ"], "catboost"), 1.0))
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        record |= {"log_loss": record["error"], "missed_precision": 0.25}
        record["rarest"] = 0.05 if record["set"] == "OJ" else 0.4
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    done = tables("--report")
    assert done.returncode == 0, done.stderr
    titles = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert titles[0] == "## Reporting sets"
    rare = "### 1 - average precision where a class is rare"
    assert titles[1:4] == ["### Log loss", rare, "### Errors"]
    shares = "1 (50%; 0% to 100%), 0, 1"
    assert (
        f"| declnet:new | sklearn:mlp | +0.000 | -1.000 to +1.000 | {shares} | 1 |" in done.stdout
    )
    ratio = ((0.102 / 0.202) * (0.402 / 0.302)) ** 0.5
    assert f"| declnet:new | 0.500 | 0.000 to 1.000 | 3.00 | 1 | {ratio:.3f} | " in done.stdout
    section = done.stdout.partition(rare)[2].partition("### Errors")[0]
    assert "| OJ | " in section
    assert "phishing" not in section


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
    assert 0.5 < record["error"] < 0.95  # better than the mean; the set is difficult
    assert 0 < record["processor_seconds"] < 60


@pytest.mark.skipif(
    not (find_spec("sklearn") and find_spec("pandas")), reason="needs scikit-learn and pandas"
)
def test_bagged_methods_have_the_same_folds(tables: Tables, tmp_path: Path) -> None:
    methods = ["declnet:linear bagged", "sklearn:linear bagged"]
    done = tables("--quick", "--sets", "friedman1", "--splits", "0", "--methods", *methods)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert [record["rows"] for record in records] == [[240, 80, 80]] * 2
    ours, theirs = (record["error"] for record in records)
    assert ours == pytest.approx(theirs, rel=0.1)
