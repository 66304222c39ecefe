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


def test_what_the_page_concludes_follows_from_the_numbers(
    measured: dict[str, Any], all_series: dict[str, RunSeries]
) -> None:
    def mean(name: str, data: str, metric: str = "accuracy") -> float:
        return spread(all_series[name].metrics()[data, metric]).mean

    def gap(name: str, metric: str = "accuracy") -> float:
        return spread(all_series[name].gaps()["test", metric]).mean

    kinds = ("none", "l2", "l1", "l1_l2", "dropout")
    assert all(gap(f"{kind}_1000") < gap(f"{kind}_100") / 3 for kind in kinds)
    for points in (100, 1000):
        for data in ("train", "test"):
            low, *others, dropout = (mean(f"{kind}_{points}", data) for kind in kinds)
            assert dropout < low < min(others)
    penalized = [f"{kind}_100" for kind in kinds[1:4]]
    assert all(abs(gap(each) - gap("none_100")) < 0.025 for each in penalized)
    assert all(abs(gap(each, "data_loss")) < abs(gap("none_100", "loss")) for each in penalized)
    notebook = measured["notebook"]
    printed, few, many = (notebook[name] for name in ("printed", "nudged", "nudged_jit"))
    assert few["accuracy"][0] < printed["accuracy"] < few["accuracy"][1]
    assert few["data_loss"][1] < printed["loss"] < many["data_loss"][1]
