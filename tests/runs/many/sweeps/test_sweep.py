"""`sweep` and `resume_sweep`: what a program gets, with its own data, failures and kills."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from declnet import OutputError, RunError, SpecError, open_run, open_sweep, resume_sweep, run, sweep
from declnet.spec.validate import parse_spec

from ....testing.right.executors import InThread


@pytest.fixture
def swept(document):
    document["training"]["epochs"] = 2
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.5], "seed": [3, 4]}
    return document


@pytest.fixture
def given(document):
    with np.load(document["data"]["train"]["path"]) as arrays:
        data = arrays["x"] * 2, arrays["y"]
    del document["data"]
    return data


def metrics(found):
    return {each.directory.relative_to(found.path): each.metrics for each in found.outcomes()}


def test_the_best_comes_first_and_each_run_is_that_of_its_own(swept, tmp_path):
    seen = []
    found = sweep(swept, out=tmp_path / "swept", metric="loss", listener=seen.append)
    assert [each.name for each in found.series()] == [
        "small-learning_rate=0.5",
        "small-learning_rate=0.1",
    ]
    best = found.best
    assert found.values[best.name] == {"optimizer.learning_rate": 0.5}
    assert found.summary.metric == "train.loss"
    assert [each.name for each in found.summary.specs] == [each.name for each in found.series()]
    assert (found.status, len(seen)) == ("finished", 4)
    assert sorted(each.label for each in seen) == sorted(each.label for each in found.outcomes())
    (tmp_path / "alone").mkdir()
    for each in best.outcomes:
        changed = {"sweep": {}, "optimizer.learning_rate": 0.5, "seed": each.seed}
        alone = run(parse_spec(swept, overrides=changed))
        assert alone.metrics == each.metrics == open_run(each.directory).metrics


def test_data_of_the_program_replaces_the_specs_also_when_resumed(swept, given, tmp_path):
    found = sweep(swept, given, out=tmp_path, numbered=True, jobs=2)
    assert found.path == tmp_path / "small-sweep-1"
    changed = {"sweep": {}, "optimizer.learning_rate": 0.1, "seed": 4}
    alone = run(parse_spec(swept, overrides=changed), given)
    run_of_it = found.path / "small-learning_rate=0.1/seed-4"
    assert open_run(run_of_it).metrics == alone.metrics
    before = {each: each.stat().st_mtime_ns for each in found.path.rglob("metrics.json")}
    whole = metrics(found)
    shutil.rmtree(run_of_it)
    again = resume_sweep(found.path, given, jobs=1)
    assert metrics(again) == whole
    after = {each: each.stat().st_mtime_ns for each in found.path.rglob("metrics.json")}
    assert {each for each in before if before[each] != after[each]} == {run_of_it / "metrics.json"}


def test_what_cannot_be_trained_is_refused_before_anything_is_written(swept, given, tmp_path):
    swept["sweep"] = {"model.layers.2.units": [3, 0, -1]}
    with pytest.raises(SpecError) as raised:
        sweep(swept, given, out=tmp_path / "swept")
    assert len(raised.value.problems) == 2
    swept["sweep"] = {"model.layers.2.units": [3, 4]}
    with pytest.raises(ValueError, match=r'no spec has a metric "los" \(did you mean "loss"'):
        sweep(swept, given, out=tmp_path / "swept", metric="los")
    with pytest.raises(RunError, match="an executor cannot pass data on"):
        sweep(swept, given, out=tmp_path / "swept", on=InThread())
    with pytest.raises(OutputError, match=r"has no sweep\.json, which describes a sweep"):
        open_sweep(tmp_path)
    assert not (tmp_path / "swept").exists()


def test_it_trains_on_an_executor(swept, tmp_path):
    found = sweep(swept, out=tmp_path / "there", on=InThread())
    assert metrics(found) == metrics(sweep(swept, out=tmp_path / "here", jobs=1))
    assert "jobs" not in json.loads((tmp_path / "there/summary.json").read_text("utf-8"))
