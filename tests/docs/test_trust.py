"""`docs/guide/trust.md` shows what its benchmarks have measured, and it is as claimed."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def results_of(repository: Path, name: str) -> list[dict[str, Any]]:
    lines = (repository / "benchmarks" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(each) for each in lines]


@pytest.fixture(scope="module")
def measured(repository: Path) -> list[dict[str, Any]]:
    return results_of(repository, "trust")


def mean_of(records: list[dict[str, Any]], *path: str) -> float:
    return statistics.fmean(each[path[0]][path[1]] for each in records)


@pytest.mark.parametrize("name", ["trust", "interval_scales"])
def test_the_table_is_the_one_that_the_benchmark_prints(
    name: str, docs: Path, repository: Path
) -> None:
    command = [sys.executable, repository / "benchmarks" / f"{name}.py", "--report"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed in (docs / "guide" / "trust.md").read_text("utf-8")


def test_each_set_is_covered_as_promised_and_the_log_loss_is_lower(
    measured: list[dict[str, Any]],
) -> None:
    names = {each["set"] for each in measured}
    assert len(names) >= 10
    for name in names:
        own = [each for each in measured if each["set"] == name]
        assert len(own) == 3
        assert mean_of(own, "coverage", "coverage") == pytest.approx(0.9, abs=0.02)
        if "before" in own[0]:
            assert mean_of(own, "after", "log_loss") < mean_of(own, "before", "log_loss")
    classes = [each for each in measured if "before" in each]
    for metric in ("log_loss", "expected_calibration_error"):
        assert mean_of(classes, "after", metric) < mean_of(classes, "before", metric)


def test_both_scales_cover_and_logarithms_suit_networks_that_learn_them(repository: Path) -> None:
    records = results_of(repository, "interval_scales")
    for name in ("diamonds", "ames", "Bikeshare"):
        for learned in ("values", "log"):
            own = [
                each["scales"]
                for each in records
                if (each["set"], each["learned"]) == (name, learned)
            ]
            assert len(own) == 5
            for scale in ("values", "log"):
                assert mean_of(own, scale, "coverage") == pytest.approx(0.9, abs=0.02)
            if learned == "log":
                assert all(each["log"]["score"] < each["values"]["score"] for each in own)
                assert all(each["log"]["below_0"] == 0 for each in own)
