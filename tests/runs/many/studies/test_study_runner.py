"""Studies with a searcher that keeps nothing itself: trials, early ends, kills and failures."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest

from declnet import EpochLogged, open_ensemble, open_study, parse_spec
from declnet.runs.many.execution.tasks import carry_out
from declnet.runs.many.studies.stored_study import begin_study
from declnet.runs.many.studies.study_runner import StudyRunner


@pytest.fixture
def study(document, changed, registry, tmp_path):
    """Begin a study with changes of its spec; return its folder."""

    def begin(**values):
        tune = {
            "trials": 10,
            "search": "steps",
            "space": {
                "optimizer.learning_rate": {"low": 0.001, "high": 1.0},
                "model.layers.1": ["relu", "tanh"],
            },
        }
        whole = changed({**document, "tune": tune}, {"data.validation": 0.25, **values})
        spec = parse_spec(whole, registry)
        (tmp_path / "study").mkdir()
        begin_study(tmp_path / "study", spec)
        return tmp_path / "study"

    return begin


def carried_out(folder, registry, most=100):
    """Carry out a study, or a number of its runs, as after a kill; return the errors."""
    errors = {}

    def ended(trial, error):
        if error is not None:
            errors[trial.number] = error

    runner = StudyRunner(open_study(folder, registry), registry, ended)
    for _, task in zip(range(most), runner, strict=False):
        runner.finished(carry_out(task, registry, lambda _: None))
    if most == 100:
        runner.finish()
    return errors


def manifest(folder, number):
    return json.loads((folder / f"trials/{number:04}/manifest.json").read_text("utf-8"))


def test_trials_end_early_or_with_their_objective(study, registry):
    folder = study()
    assert carried_out(folder, registry) == {}
    found = open_study(folder, registry)
    assert [each.state for each in found.trials] == ["finished", "pruned", "finished", "finished"]
    assert (found.status, str(found.objective)) == ("finished", "validation.accuracy")
    for each in found.trials:
        own = manifest(folder, each.number)
        assert (own["status"], own["epochs"]) == ("finished", 1 if each.number == 1 else 3)
        metrics = json.loads((found.trial_folder(each.number) / "metrics.json").read_text("utf-8"))
        assert each.value in (None, metrics["validation"]["accuracy"])
    assert manifest(folder, 1)["stopped"].startswith("pruned: validation.accuracy of ")
    assert sorted(found.trials[2].reported) == [0, 1, 2]
    best = max((each for each in found.trials if each.value), key=lambda each: each.value)
    assert found.best == best
    written = tomllib.loads((folder / "best.toml").read_text("utf-8"))
    assert written["optimizer"]["learning_rate"] == best.values["optimizer.learning_rate"]


def test_what_a_kill_left_is_continued_with_the_same_answers(study, registry):
    folder = study()
    runner = StudyRunner(open_study(folder, registry), registry)
    runner.finished(carry_out(next(runner), registry, lambda _: None))
    task = next(runner)
    judged = EpochLogged(0, 0.01, {}, {"accuracy": 0.5})
    reason = task.stop_when(judged)
    with (folder / "trials.jsonl").open("ab") as file:
        file.write(b'{"report": 1, "st')  # cut off by the kill
    again = StudyRunner(open_study(folder, registry), registry)
    task = next(again)
    assert task.directory.name == "0001"
    assert task.stop_when(judged) == reason
    assert reason.startswith("pruned")
    carried_out(folder, registry)
    states = [each.state for each in open_study(folder, registry).trials]
    assert states == ["finished", "pruned", "finished", "finished"]


def test_a_trial_that_heard_too_late_does_not_begin_its_next_run(study, registry):
    """As on an executor, where the first run may end before it hears that it is behind."""
    folder = study(**{"tune.seeds": [3, 4], "tune.search": {"type": "steps", "rates": [0.01]}})
    runner = StudyRunner(open_study(folder, registry), registry)
    task = next(runner)
    outcome = carry_out(replace(task, stop_when=None), registry, lambda _: None)
    assert task.stop_when(EpochLogged(0, 0.01, {}, {"accuracy": 0.5})).startswith("pruned")
    runner.finished(outcome)
    carried_out(folder, registry)
    found = open_study(folder, registry)
    assert [each.state for each in found.trials] == ["pruned"]
    assert [each.path.name for each in open_ensemble(found.trial_folder(0)).runs] == ["seed-3"]


def test_the_objective_is_the_mean_over_folds_and_seeds(study, registry):
    folder = study(
        **{"data.validation": None, "data.folds": 2, "tune.seeds": [3, 4]}
        | {"tune.objective": "validation.loss", "tune.search": {"type": "steps", "rates": [0.1]}}
    )
    carried_out(folder, registry, most=3)
    carried_out(folder, registry)
    found = open_study(folder, registry)
    (trial,) = found.trials
    runs = sorted(found.trial_folder(0).glob("seed-*/fold-*/metrics.json"))
    losses = [json.loads(each.read_text("utf-8"))["validation"]["loss"] for each in runs]
    assert len(losses) == 4
    assert trial.value == pytest.approx(sum(losses) / 4, rel=1e-12)
    assert (found.best, found.better) == (trial, "lower")
    assert sorted(trial.reported) == list(range(12))


def test_the_budget_counts_trials_and_minutes(study, registry):
    folder = study(**{"tune.trials": 2})
    carried_out(folder, registry)
    assert len(open_study(folder, registry).trials) == 2
    found = open_study(folder, registry)
    found.note(seconds=61.0)
    document = tomllib.loads(found.content.document)
    document["tune"] |= {"trials": 5, "minutes": 1}
    import tomli_w

    found.note(document=tomli_w.dumps(document))
    carried_out(folder, registry)
    assert len(open_study(folder, registry).trials) == 2
