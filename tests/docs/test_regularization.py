"""`docs/explanation/regularization.md` shows the results of `benchmarks/regularization.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from declnet.cli.display.terminal import print_table
from declnet.contracts.runs.plan import Outcome
from declnet.runs.display.group_tables import sweep_tables
from declnet.runs.many.ranking import best_first
from declnet.runs.many.series import RunSeries
from declnet.spec.validate import load_spec


def test_the_tables_equal_the_output_of_the_sweep(
    docs: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (docs / "explanation" / "regularization.md").read_text("utf-8")
    results = (repository / "benchmarks" / "regularization.json").read_text("utf-8")
    series, specs = [], []
    for name, runs in json.loads(results)["sweep"].items():
        outcomes = (Outcome(name, r["seed"], Path(), r["metrics"], r["seconds"]) for r in runs)
        series.append(RunSeries(name, tuple(outcomes)))
        specs.append(load_spec(repository / "specs" / "regularization" / f"{name}.toml"))
    ranked, metric = best_first(series, None, specs)
    assert metric == ("test", "accuracy")
    for table in sweep_tables(ranked, metric, {}):
        print_table(table)
    shown = re.search(r"^```text\n(test\.accuracy.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == capsys.readouterr().out.strip()
