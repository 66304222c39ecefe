from __future__ import annotations

import json
import math

import pytest

from declnet import OutputError
from declnet_plugins.report.plot.sweep import beside, is_sweep, read_sweep


@pytest.fixture
def folder(tmp_path):
    """A sweep of two specs, as `declnet sweep` sums it up; one run failed, one has no metric."""
    runs = [
        {"folder": "seed-0", "metrics": {"train": {"loss": 1.5}, "test": {"loss": 2.0}}},
        {"folder": "seed-1", "error": "DivergenceError"},
        {"folder": "seed-2", "metrics": {"train": {"loss": 0.5}, "test": {"loss": None}}},
    ]
    specs = [{"name": "slow", "runs": runs}, {"name": "failed", "runs": runs[1:2]}]
    summary = {"metric": "test.loss", "jobs": 1, "specs": specs}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def test_the_summary_is_read_with_the_runs_that_finished(folder):
    assert is_sweep(folder)
    sweep = read_sweep(folder)
    assert (sweep.data, sweep.metric) == ("test", "loss")
    (series,) = sweep.series
    assert series.name == "slow"
    assert series.values[0] == 2.0
    assert math.isnan(series.values[1])
    assert series.runs == (folder / "slow" / "seed-0", folder / "slow" / "seed-2")
    assert series.training == (1.5, 0.5)


def test_losses_are_those_of_the_epochs_that_all_runs_logged(folder):
    for seed, losses in (("0", [3.0, 2.0, 1.5]), ("2", [1.0, None, 0.5, 0.25])):
        run = folder / "slow" / f"seed-{seed}"
        run.mkdir(parents=True)
        (run / "manifest.json").write_text('{"status": "running"}')
        rows = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses)]
        (run / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_sweep(folder).series[0].losses == {0: [3.0, 1.0], 2: [1.5, 0.5]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"metric": null, "specs": []}', "no run finished, so nothing can be drawn"),
        ('{"metric": "test.loss", "specs": [3]}', "is damaged"),
        ('{"specs": []}', "is damaged"),
        ("[]", "is not a JSON object"),
        ("{", "cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_reported(folder, content, message):
    (folder / "summary.json").write_text(content)
    with pytest.raises(OutputError, match=message):
        read_sweep(folder)


def test_dots_of_the_same_value_are_set_beside_each_other():
    moved = beside([0.5, 0.9, 0.5, 0.5, 0.1])
    assert moved == [0.0, 0.0, pytest.approx(0.13), pytest.approx(-0.13), 0.0]
    assert beside([0.3]) == [0.0]
