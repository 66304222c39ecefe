"""The folder of a sweep: complete from its first file on, whatever is lost of the others."""

from __future__ import annotations

import json
import math

import pytest

from declnet import OutputError, parse_spec, run
from declnet.runs.many.sweeps.stored_sweep import (
    SweptSpec,
    begin_sweep,
    open_sweep,
)


@pytest.fixture
def begun(document, tmp_path):
    """The folder of a sweep of two specs, of which nothing has been trained."""
    document["training"]["epochs"] = 2
    specs = [parse_spec({**document, "name": name}) for name in ("one", "two")]
    swept = [SweptSpec(specs[0], (3, 4), {"rate": 0.1}), SweptSpec(specs[1], (3,), {"rate": 0.2})]
    begin_sweep(tmp_path, swept, "loss", ascending=None)
    return tmp_path


@pytest.mark.parametrize("lost", ["ensemble.json", "spec.toml"])
def test_a_folder_of_seeds_that_was_not_written_in_full_is_written_again(begun, lost):
    tasks = open_sweep(begun).tasks()
    (begun / "two" / lost).unlink()
    again = open_sweep(begun).tasks()
    assert [(each.spec, each.directory) for each in again] == [
        (each.spec, each.directory) for each in tasks
    ]


def test_outcomes_are_those_of_the_folders(begun):
    stored = open_sweep(begun)
    tasks = stored.tasks()
    result = run(tasks[0].spec, out=tasks[0].directory)
    tasks[1].directory.mkdir()
    manifest = json.loads((tasks[0].directory / "manifest.json").read_text("utf-8"))
    running = json.dumps({**manifest, "status": "running"})
    (tasks[1].directory / "manifest.json").write_text(running, "utf-8")
    found = stored.outcomes()
    assert (found[0].metrics, found[0].error) == (result.metrics, None)
    assert [each.error for each in found[1:]] == [
        "it has not finished (running)",
        "it has not begun",
    ]
    stored.finish()
    assert open_sweep(begun).status == "failed"
    metrics = json.loads((tasks[0].directory / "metrics.json").read_text("utf-8"))
    assert not math.isnan(metrics["train"]["loss"])
    (tasks[0].directory / "metrics.json").write_text("{}", "utf-8")
    assert "metrics.json" in stored.outcomes()[0].error


@pytest.mark.parametrize(
    "content",
    [
        {"status": "running", "specs": []},
        {"specs": [{"name": "a"}]},
        {"status": "running", "specs": [3]},
        {"status": "running", "specs": [{"name": "../a", "values": {}, "seeds": [1], "spec": ""}]},
        {"status": "running", "specs": [{"name": "a", "values": {}, "seeds": [], "spec": ""}]},
        {"status": "running", "specs": [{"name": "a", "values": {}, "seeds": ["1"], "spec": ""}]},
        {"status": "running", "specs": [{"name": "a", "values": {}, "seeds": [1], "spec": {}}]},
    ],
    ids=str,
)
def test_a_malformed_list_is_refused(content, tmp_path):
    (tmp_path / "sweep.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(OutputError, match=r"sweep\.json"):
        open_sweep(tmp_path)
    (tmp_path / "sweep.json").write_text("[", "utf-8")
    with pytest.raises(OutputError, match="cannot be read"):
        open_sweep(tmp_path)
