from __future__ import annotations

import json
import math

import pytest

from declnet import OutputError, parse_spec, run
from declnet_plugins.report.plot.sweep import beside, is_sweep, losses_of, read_sweep


@pytest.fixture
def folder(write_sweep):
    """A sweep of two specs; one run failed, one has no metric."""
    first = {"train": {"loss": 1.5}, "test": {"loss": 2.0}}
    last = {"train": {"loss": 0.5}, "test": {"loss": math.nan}}
    return write_sweep("test.loss", {"slow": [first, None, last], "failed": [None]})


def test_the_summary_is_read_with_the_runs_that_finished(folder):
    assert is_sweep(folder)
    sweep = read_sweep(folder)
    assert (sweep.data, sweep.metric) == ("test", "loss")
    (series,) = sweep.series
    assert series.name == "slow"
    first, last = sweep.metrics(series)
    assert (first, math.isnan(last)) == (2.0, True)
    runs = [outcome.directory for outcome in series.finished]
    assert runs == [folder / "slow" / "seed-0", folder / "slow" / "seed-2"]
    assert sweep.training(series) == [1.5, 0.5]
    assert read_sweep(folder, "train.loss").data == "train"


def test_losses_are_those_of_the_epochs_that_all_runs_logged(folder, document, changed):
    for seed, losses in (("0", [3.0, 2.0, 1.5]), ("2", [1.0, None, 0.5, 0.25])):
        path = folder / "slow" / f"seed-{seed}"
        run(parse_spec(changed(document, {"training.epochs": 1})), out=path)
        manifest = json.loads((path / "manifest.json").read_text())
        del manifest["files"]
        (path / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
        rows = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses)]
        (path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert losses_of(read_sweep(folder).series[0]) == {0: [3.0, 1.0], 2: [1.5, 0.5]}


def test_what_cannot_be_drawn_is_reported(folder):
    lines = (folder / "journal.jsonl").read_bytes().splitlines(True)
    (folder / "journal.jsonl").write_bytes(lines[0])
    with pytest.raises(OutputError, match="no run finished, so nothing can be drawn"):
        read_sweep(folder)
    (folder / "journal.jsonl").write_bytes(b"{}\n")
    with pytest.raises(OutputError, match="line 1: is not an entry of a journal"):
        read_sweep(folder)


def test_dots_of_the_same_value_are_set_beside_each_other():
    moved = beside([0.5, 0.9, 0.5, 0.5, 0.1])
    assert moved == [0.0, 0.0, pytest.approx(0.13), pytest.approx(-0.13), 0.0]
    assert beside([0.3]) == [0.0]
