"""`run` with folds or seeds, `sweep`, `tune` and `resume`, called by programs."""

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
    folds = run(parse_spec(folded), (x, np.arange(30) % 3), jobs=1)
    assert len(folds.members) == 3
    losses = [member.metrics["validation"]["loss"] for member in folds.members]
    spread = folds.spreads["validation"]["loss"]
    assert (spread.mean, spread.min) == (pytest.approx(np.mean(losses)), min(losses))
    assert spread.standard_deviation == pytest.approx(np.std(losses, ddof=1))
    assert folds.metrics["validation"]["loss"] == spread.mean
    assert len(set(losses)) == 3
    assert folds.predict(x).prediction.shape == (30,)
    with pytest.raises(DataError, match="of 3 runs, not of one"):
        _ = folds.history
    folder = folds.directory
    assert folder.exists()
    del folds
    assert not folder.exists()


def test_a_single_run_is_its_only_member(document):
    single = run(parse_spec(document))
    assert single.members == (single,)
    loss = single.spreads["train"]["loss"]
    assert (loss.mean, loss.standard_deviation) == (single.metrics["train"]["loss"], None)
    with pytest.raises(DataError, match="wrote no folder"):
        single.evaluate()


def test_folds_and_seeds_are_arguments(document, tmp_path):
    document["training"]["epochs"] = 1
    result = run(document, out=tmp_path / "out", folds=2, seeds=[3, 4], jobs=2)
    names = [member.directory.relative_to(tmp_path).as_posix() for member in result.members]
    assert names == [f"out/seed-{s}/fold-{f}" for s in (3, 4) for f in (1, 2)]
    changes = {"data.folds": 2, "data.fold": 2, "seed": 4}
    alone = run(parse_spec(document, overrides=changes))
    assert result.members[3].metrics == alone.metrics
    assert resume(tmp_path / "out").metrics == result.metrics
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
def data(document):
    with np.load(document["data"]["train"]["path"]) as arrays:
        del document["data"]
        return arrays["x"] * 2, arrays["y"]


def metrics(group):
    return {result.directory.relative_to(group.path): result.metrics for result in group.outcomes()}


def test_the_best_comes_first_and_each_run_equals_a_run_alone(swept, tmp_path):
    seen = []
    group = sweep(swept, out=tmp_path / "swept", metric="loss", listener=seen.append)
    assert [series.name for series in group.series()] == [
        "small-learning_rate=0.5",
        "small-learning_rate=0.1",
    ]
    best = group.best
    assert group.values[best.name] == {"optimizer.learning_rate": 0.5}
    summary = json.loads((group.path / "summary.json").read_text("utf-8"))
    assert summary["metric"] == "train.loss"
    assert [spec["name"] for spec in summary["specs"]] == [series.name for series in group.series()]
    assert (group.status, len(seen)) == ("finished", 4)
    assert sorted(run.label for run in seen) == sorted(run.label for run in group.outcomes())
    (tmp_path / "alone").mkdir()
    for outcome in best.outcomes:
        changed = {"sweep": {}, "optimizer.learning_rate": 0.5, "seed": outcome.seed}
        alone = run(parse_spec(swept, overrides=changed))
        assert alone.metrics == outcome.metrics == open_run(outcome.directory).metrics


def test_data_of_the_program_replaces_the_specs_also_when_resumed(swept, data, tmp_path):
    group = sweep(swept, data, out=tmp_path, numbered=True, jobs=2)
    assert group.path == tmp_path / "small-sweep-1"
    changed = {"sweep": {}, "optimizer.learning_rate": 0.1, "seed": 4}
    alone = run(parse_spec(swept, overrides=changed), data)
    run_of_it = group.path / "small-learning_rate=0.1/seed-4"
    assert open_run(run_of_it).metrics == alone.metrics
    before = {path: path.stat().st_mtime_ns for path in group.path.rglob("metrics.json")}
    whole = metrics(group)
    shutil.rmtree(run_of_it)
    again = resume(group.path, data, jobs=1)
    assert metrics(again) == whole
    after = {path: path.stat().st_mtime_ns for path in group.path.rglob("metrics.json")}
    assert {path for path in before if before[path] != after[path]} == {run_of_it / "metrics.json"}


def test_what_cannot_be_trained_is_refused_before_anything_is_written(swept, data, tmp_path):
    swept["sweep"] = {"model.layers.2.units": [3, 0, -1]}
    with pytest.raises(SpecError) as raised:
        sweep(swept, data, out=tmp_path / "swept")
    assert len(raised.value.problems) == 2
    swept["sweep"] = {"model.layers.2.units": [3, 4]}
    with pytest.raises(ValueError, match=r'no spec has a metric "los" \(did you mean "loss"'):
        sweep(swept, data, out=tmp_path / "swept", metric="los")
    swept["data"] = {"validation": 0.2}
    for metric, meant in {"val_loss": "validation.loss", "test.acuracy": "accuracy"}.items():
        with pytest.raises(ValueError, match=f'did you mean "{meant}"'):
            sweep(swept, data, out=tmp_path / "swept", metric=metric)
    with pytest.raises(RunError, match="an executor cannot pass data on"):
        sweep(swept, data, out=tmp_path / "swept", on=InThread())
    with pytest.raises(OutputError, match=r"has no group\.json, which lists runs"):
        open_group(tmp_path)
    assert not (tmp_path / "swept").exists()


def test_it_trains_on_an_executor(swept, tmp_path):
    group = sweep(swept, out=tmp_path / "there", on=InThread())
    assert metrics(group) == metrics(sweep(swept, out=tmp_path / "here", jobs=1))
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
    study = tune(
        tuned,
        out=tmp_path,
        numbered=True,
        listener=lambda trial, error: seen.append(trial),
        registry=registry,
    )
    assert (study.path, study.status) == (tmp_path / "small-study-1", "finished")
    assert [result.state for result in study.trials] == ["finished", "pruned", "finished"]
    assert seen == list(study.trials)
    best = max((result for result in study.trials if result.value), key=lambda result: result.value)
    assert study.best_trial == best
    assert study.summary.best == best.number
    changes = {"tune": {}, "optimizer.learning_rate": best.values["optimizer.learning_rate"]}
    alone = run(parse_spec(tuned, registry, overrides=changes))
    assert alone.metrics == open_run(study.trial_folder(best.number)).metrics


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
    study = tune(tuned, out=tmp_path / "study", registry=registry, **PLACES[place])
    folder = study.trial_folder(0)

    def seconds():
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["status"] == "interrupted"
        assert list((folder / "checkpoints").iterdir())
        return manifest["seconds"]

    first = seconds()
    for more in (0, SECONDS[place]):
        minutes = (study.file.seconds + more) / 60 if more else None
        study = resume(study.path, minutes=minutes, registry=registry, **PLACES[place])
        assert [(trial.state, trial.value) for trial in study.trials] == [("running", None)]
        assert (study.status, seconds() > first) == ("finished", bool(more))


def test_minutes_end_any_group_which_continues_with_more(document, tmp_path):
    section = {"optimizer.learning_rate": [0.1, 0.2]}
    whole = sweep({**document, "sweep": section}, out=tmp_path / "whole", jobs=1)
    folder = tmp_path / "sweep"
    folder.mkdir()
    whole.file.model_copy(update={"status": "running"}).write(folder)
    group = resume(folder, minutes=1e-9)
    assert (group.status, list(group.journal.outcomes)) == ("running", [])
    group = resume(folder, minutes=group.file.seconds / 60 + 4, jobs=1)
    assert (group.status, group.file.seconds > 0) == ("finished", True)
    assert [s.metrics() for s in group.series()] == [s.metrics() for s in whole.series()]
    (folder := tmp_path / "seeds").mkdir()
    series_file(parse_spec(document), (1, 2))[0].write(folder)
    with pytest.raises(RunError, match="2 of 2 runs are left"):
        resume(folder, minutes=1e-9)


def test_data_of_the_program_replaces_the_data_of_trials(tuned, registry, tmp_path):
    with np.load(tuned["data"]["train"].pop("path")) as arrays:
        data = arrays["x"] * 2, arrays["y"]
    del tuned["data"]["train"]

    def stop(trial, error):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tuned, data, out=tmp_path / "study", listener=stop, registry=registry)
    study = resume(tmp_path / "study", data, registry=registry)
    whole = tune(tuned, data, out=tmp_path / "whole", registry=registry)
    assert [(result.values, result.state, result.value) for result in study.trials] == [
        (result.values, result.state, result.value) for result in whole.trials
    ]
    assert len(whole.trials) == 3


def test_trials_at_once_train_in_threads_with_the_programs_data(tuned, registry, tmp_path):
    pytest.importorskip("numba")
    with np.load(tuned["data"]["train"].pop("path")) as arrays:
        data = arrays["x"] * 2, arrays["y"]
    del tuned["data"]["train"]
    tuned["engine"] = {"kernels": "jit"}
    tuned["tune"]["search"] = {"type": "random", "pruner": "none"}
    one, two = (
        tune(tuned, data, out=tmp_path / str(jobs), jobs=jobs, registry=registry) for jobs in (1, 2)
    )
    assert [(trial.values, trial.value) for trial in one.trials] == [
        (trial.values, trial.value) for trial in two.trials
    ]
