"""`tune` and `resume_study`: what a program gets, with its own data and an executor."""

from __future__ import annotations

import json

import numpy as np
import pytest

from declnet import RunError, open_run, parse_spec, resume_study, run, tune
from declnet.runs.many.execution import remote_tasks

from ....testing.right.executors import InThread


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
    found = tune(tuned, out=tmp_path, numbered=True, listener=seen.append, registry=registry)
    assert (found.path, found.status) == (tmp_path / "small-study-1", "finished")
    assert [each.state for each in found.trials] == ["finished", "pruned", "finished"]
    assert seen == list(found.trials)
    best = max((each for each in found.trials if each.value), key=lambda each: each.value)
    assert found.best == best
    assert found.summary.best == best.number
    changes = {"tune": {}, "optimizer.learning_rate": best.values["optimizer.learning_rate"]}
    alone = run(parse_spec(tuned, registry, overrides=changes))
    assert alone.metrics == open_run(found.trial_folder(best.number)).metrics


PLACES = {"here": {}, "worker processes": {"jobs": 2}, "an executor": {"on": InThread()}}


@pytest.mark.parametrize("place", PLACES)
def test_minutes_interrupt_a_trial_which_continues_with_more(
    place, tuned, registry, tmp_path, monkeypatch
):
    monkeypatch.setattr(remote_tasks, "default_registry", lambda: registry)
    tuned["training"] |= {"epochs": 10**7, "log_every": 1000}  # more than the minutes allow
    tuned["tune"] |= {"trials": 1, "minutes": 0.02}
    found = tune(tuned, out=tmp_path / "study", registry=registry, **PLACES[place])
    folder = found.trial_folder(0)

    def seconds():
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        assert manifest["status"] == "interrupted"
        assert list((folder / "checkpoints").iterdir())
        return manifest["seconds"]

    first = seconds()
    for more in (0, 4):
        minutes = (found.content.seconds + more) / 60 if more else None
        found = resume_study(found.path, minutes=minutes, registry=registry, **PLACES[place])
        assert [(each.state, each.value) for each in found.trials] == [("running", None)]
        assert (found.status, seconds() > first) == ("finished", bool(more))


def test_data_of_the_program_replaces_the_specs_also_when_resumed(tuned, registry, tmp_path):
    with np.load(tuned["data"]["train"].pop("path")) as arrays:
        given = arrays["x"] * 2, arrays["y"]
    del tuned["data"]["train"]

    def stop(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(tuned, given, out=tmp_path / "study", listener=stop, registry=registry)
    found = resume_study(tmp_path / "study", given, registry=registry)
    whole = tune(tuned, given, out=tmp_path / "whole", registry=registry)
    assert [(each.values, each.state, each.value) for each in found.trials] == [
        (each.values, each.state, each.value) for each in whole.trials
    ]
    assert len(whole.trials) == 3


def test_data_of_the_program_is_not_for_other_processes(tuned, registry, tmp_path):
    given = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    with pytest.raises(RunError, match="use jobs=1"):
        tune(tuned, given, out=tmp_path / "study", jobs=2, registry=registry)
    assert not (tmp_path / "study").exists()
