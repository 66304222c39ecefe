"""`run` with folds or seeds, `sweep`, `tune` and `resume`: what a program gets."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from declnet import (
    DataError,
    OutputError,
    RunError,
    SpecError,
    open_group,
    open_run,
    parse_spec,
    resume,
    run,
    sweep,
    tune,
)
from declnet.runs.many import run_tasks
from declnet.runs.many.beginning import series_file

from ...testing.right.executors import InThread


@pytest.fixture
def folded(document):
    document["data"]["folds"] = 3
    return document


def test_every_sample_is_validated_on_once(folded):
    x = np.arange(30.0)[:, None]
    found = run(parse_spec(folded), (x, np.arange(30) % 3), jobs=1)
    assert len(found.members) == 3
    losses = [each.metrics["validation"]["loss"] for each in found.members]
    spread = found.spreads["validation"]["loss"]
    assert (spread.mean, spread.min) == (pytest.approx(np.mean(losses)), min(losses))
    assert spread.standard_deviation == pytest.approx(np.std(losses, ddof=1))
    assert found.metrics["validation"]["loss"] == spread.mean
    assert len(set(losses)) == 3
    assert found.predict(x).prediction.shape == (30,)
    with pytest.raises(DataError, match="of 3 runs, not of one"):
        _ = found.history
    folder = found.directory
    assert folder.exists()
    del found
    assert not folder.exists()


def test_one_run_is_a_member_of_its_own(document):
    found = run(parse_spec(document))
    assert found.members == (found,)
    loss = found.spreads["train"]["loss"]
    assert (loss.mean, loss.standard_deviation) == (found.metrics["train"]["loss"], None)
    with pytest.raises(DataError, match="wrote no folder"):
        found.evaluate()


def test_folds_and_seeds_are_arguments(document, tmp_path):
    document["training"]["epochs"] = 1
    found = run(document, out=tmp_path / "out", folds=2, seeds=[3, 4], jobs=2)
    names = [each.directory.relative_to(tmp_path).as_posix() for each in found.members]
    assert names == [f"out/seed-{s}/fold-{f}" for s in (3, 4) for f in (1, 2)]
    changes = {"data.folds": 2, "data.fold": 2, "seed": 4}
    alone = run(parse_spec(document, overrides=changes))
    assert found.members[3].metrics == alone.metrics
    assert resume(tmp_path / "out").metrics == found.metrics
    part = run(document, out=tmp_path / "part", seeds=range(8), shard="1/2")
    assert 0 < len(part.members) < 8


def test_what_needs_several_runs_is_refused_for_one(document):
    for options in ({"jobs": 2}, {"on": InThread()}, {"shard": "1/2"}):
        with pytest.raises(RunError, match="needs several runs: folds, seeds or members"):
            run(parse_spec(document), **options)


def test_a_run_that_fails_is_named_once_all_have_ended(document, tmp_path):
    document["optimizer"]["learning_rate"] = 1e200
    with pytest.raises(RunError, match=r"3 of 3 runs failed; small, seed 0: epoch"):
        run(document, out=tmp_path / "out", seeds=range(3), jobs=1)
    assert len(list((tmp_path / "out").glob("seed-*/manifest.json"))) == 3


def test_validation_data_of_a_program_is_refused(folded):
    data = (np.zeros((9, 1)), np.arange(9) % 3)
    with pytest.raises(RunError, match="each fold is the validation data once"):
        run(parse_spec(folded), {"train": data, "validation": data})


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
    summary = json.loads((found.path / "summary.json").read_text("utf-8"))
    assert summary["metric"] == "train.loss"
    assert [each["name"] for each in summary["specs"]] == [each.name for each in found.series()]
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
    again = resume(found.path, given, jobs=1)
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
    swept["data"] = {"validation": 0.2}
    for metric, meant in {"val_loss": "validation.loss", "test.acuracy": "accuracy"}.items():
        with pytest.raises(ValueError, match=f'did you mean "{meant}"'):
            sweep(swept, given, out=tmp_path / "swept", metric=metric)
    with pytest.raises(RunError, match="an executor cannot pass data on"):
        sweep(swept, given, out=tmp_path / "swept", on=InThread())
    with pytest.raises(OutputError, match=r"has no group\.json, which lists runs"):
        open_group(tmp_path)
    assert not (tmp_path / "swept").exists()


def test_it_trains_on_an_executor(swept, tmp_path):
    found = sweep(swept, out=tmp_path / "there", on=InThread())
    assert metrics(found) == metrics(sweep(swept, out=tmp_path / "here", jobs=1))
    assert "jobs" not in json.loads((tmp_path / "there/summary.json").read_text("utf-8"))


@pytest.fixture
def tuned(document):
    document["data"]["validation"] = 0.25
    document["tune"] = {
        "trials": 3,
        "search": {"type": "steps", "rates": [0.1, 0.01, 0.2]},
        "space": {
            "optimizer.learning_rate": {"low": 0.001, "high": 1.0},
            "model.layers.1": ["relu", "tanh"],
        },
    }
    return document


def test_a_study_has_its_trials_the_best_and_what_they_reported(tuned, registry, tmp_path):
    seen = []
    found = tune(
        tuned,
        out=tmp_path,
        numbered=True,
        listener=lambda trial, error: seen.append(trial),
        registry=registry,
    )
    assert (found.path, found.status) == (tmp_path / "small-study-1", "finished")
    assert [each.state for each in found.trials] == ["finished", "pruned", "finished"]
    assert seen == list(found.trials)
    best = max((each for each in found.trials if each.value), key=lambda each: each.value)
    assert found.best_trial == best
    assert found.summary.best == best.number
    changes = {"tune": {}, "optimizer.learning_rate": best.values["optimizer.learning_rate"]}
    alone = run(parse_spec(tuned, registry, overrides=changes))
    assert alone.metrics == open_run(found.trial_folder(best.number)).metrics


PLACES = {"here": {}, "worker processes": {"jobs": 2}, "an executor": {"on": InThread()}}
SECONDS = {"here": 0.5, "worker processes": 2, "an executor": 0.5}
"""Enough to train the spec's own values, and a trial for some time, also in new processes."""


@pytest.mark.parametrize("place", PLACES)
def test_minutes_interrupt_a_trial_which_continues_with_more(
    place, tuned, registry, tmp_path, monkeypatch
):
    monkeypatch.setattr(run_tasks, "default_registry", lambda: registry)
    epochs = {"training.epochs": {"low": 10**7, "high": 10**8}}  # more than the minutes allow
    tuned["training"]["log_every"] = 1000
    tuned["tune"] = {"trials": 1, "search": "random", "space": epochs}
    tuned["tune"]["minutes"] = SECONDS[place] / 60
    found = tune(tuned, out=tmp_path / "study", registry=registry, **PLACES[place])
    folder = found.trial_folder(0)

    def seconds():
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["status"] == "interrupted"
        assert list((folder / "checkpoints").iterdir())
        return manifest["seconds"]

    first = seconds()
    for more in (0, SECONDS[place]):
        minutes = (found.file.seconds + more) / 60 if more else None
        found = resume(found.path, minutes=minutes, registry=registry, **PLACES[place])
        assert [(each.state, each.value) for each in found.trials] == [("running", None)]
        assert (found.status, seconds() > first) == ("finished", bool(more))


def test_minutes_end_any_group_which_continues_with_more(document, tmp_path):
    section = {"optimizer.learning_rate": [0.1, 0.2]}
    whole = sweep({**document, "sweep": section}, out=tmp_path / "whole", jobs=1)
    folder = tmp_path / "sweep"
    folder.mkdir()
    whole.file.model_copy(update={"status": "running"}).write(folder)
    found = resume(folder, minutes=1e-9)
    assert (found.status, list(found.journal.outcomes)) == ("running", [])
    found = resume(folder, minutes=found.file.seconds / 60 + 4, jobs=1)
    assert (found.status, found.file.seconds > 0) == ("finished", True)
    assert [s.metrics() for s in found.series()] == [s.metrics() for s in whole.series()]
    (folder := tmp_path / "seeds").mkdir()
    series_file(parse_spec(document), (1, 2))[0].write(folder)
    with pytest.raises(RunError, match="2 of 2 runs are left"):
        resume(folder, minutes=1e-9)


def test_data_of_the_program_replaces_that_of_trials(tuned, registry, tmp_path):
    with np.load(tuned["data"]["train"].pop("path")) as arrays:
        given = arrays["x"] * 2, arrays["y"]
    del tuned["data"]["train"]

    def stop(trial, error):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tuned, given, out=tmp_path / "study", listener=stop, registry=registry)
    found = resume(tmp_path / "study", given, registry=registry)
    whole = tune(tuned, given, out=tmp_path / "whole", registry=registry)
    assert [(each.values, each.state, each.value) for each in found.trials] == [
        (each.values, each.state, each.value) for each in whole.trials
    ]
    assert len(whole.trials) == 3


def test_trials_at_once_train_in_threads_with_the_programs_data(tuned, registry, tmp_path):
    pytest.importorskip("numba")
    with np.load(tuned["data"]["train"].pop("path")) as arrays:
        given = arrays["x"] * 2, arrays["y"]
    del tuned["data"]["train"]
    tuned["engine"] = {"kernels": "jit"}
    tuned["tune"]["search"] = {"type": "random", "pruner": "none"}
    one, two = (
        tune(tuned, given, out=tmp_path / str(jobs), jobs=jobs, registry=registry)
        for jobs in (1, 2)
    )
    assert [(each.values, each.value) for each in one.trials] == [
        (each.values, each.value) for each in two.trials
    ]
