"""`docs/guide/regularization.md` shows what `benchmarks/regularization.py` has measured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from declnet.cli.display.sweep_tables import print_gaps, print_sweep
from declnet.runs.many.ensembles.series import RunSeries, spread
from declnet.runs.many.execution.tasks import Outcome
from declnet.runs.many.sweeps.ranking import best_first
from declnet.spec.validate import load_spec


@pytest.fixture(scope="module")
def page(docs: Path) -> str:
    return (docs / "guide" / "regularization.md").read_text("utf-8")


@pytest.fixture(scope="module")
def measured(repository: Path) -> dict[str, Any]:
    return json.loads((repository / "benchmarks" / "regularization.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def all_series(measured: dict[str, Any]) -> dict[str, RunSeries]:
    return {
        name: RunSeries(
            name,
            tuple(
                Outcome(name, each["seed"], Path(), each["metrics"], each["seconds"])
                for each in runs
            ),
        )
        for name, runs in measured["sweep"].items()
    }


def test_the_tables_are_those_that_the_sweep_prints(
    page: str,
    all_series: dict[str, RunSeries],
    repository: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = repository / "specs" / "regularization"
    assert {each.stem for each in folder.glob("*.toml")} == set(all_series)
    specs = [load_spec(folder / f"{name}.toml") for name in all_series]
    ranked, metric = best_first(list(all_series.values()), None, specs)
    assert metric == ("test", "accuracy")
    print_sweep(ranked, metric)
    print_gaps(ranked)
    shown = re.search(r"^```text\n(test\.accuracy.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == capsys.readouterr().out.strip()


def test_the_numbers_of_the_text_are_measured(
    page: str, measured: dict[str, Any], all_series: dict[str, RunSeries]
) -> None:
    found = set()
    for series in all_series.values():
        for values in (*series.metrics().values(), *series.gaps().values()):
            found |= {*values, *spread(values).as_data().values()}
    for values in (measured["wider_dropout"], *measured["notebook"].values()):
        for each in values.values():
            found |= set(each if isinstance(each, list) else [each])
    known = {f"{each:.3f}" for each in found}
    text = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"(-?\d\.\d{3})\b", text)
    assert len(named) > 20
    assert set(named) - known == set()
