"""Studies with a searcher that stores nothing: trials, early stops, kills and failures."""

from __future__ import annotations

import json
import tomllib
from contextlib import closing
from dataclasses import replace
from statistics import fmean, stdev

import pytest

from declnet import ComponentError, EpochLogged, Searcher, StudyTrial, open_group, parse_spec
from declnet.runs.many.beginning import study_file
from declnet.runs.many.group import Group
from declnet.runs.many.local_executors import InProcess
from declnet.runs.many.run_tasks import Answer
from declnet.runs.many.training import Training


@pytest.fixture
def study(document, changed, registry, tmp_path):
    """Return a function that begins a study of a changed spec and returns its folder."""

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
        study_file(spec).write(tmp_path / "study")
        return tmp_path / "study"

    return begin


class Some(InProcess):
    """An executor that carries out a number of runs, as if it were killed then."""

    runs: int

    def execute(self, tasks):
        for number, update in zip(range(self.runs), super().execute(tasks), strict=False):
            yield update
            if number + 1 == self.runs:
                raise KeyboardInterrupt


def carried_out(folder, registry, most=100):
    """Carry out a study, or a number of its runs, as after a kill; return the errors."""
    errors = {}

    def ended(trial, error):
        if error is not None:
            errors[trial.number] = error

    training = Training(open_group(folder, registry), trial_ended=ended)
    if most == 100:
        training.train()
    else:
        with pytest.raises(KeyboardInterrupt):
            training.train(Some(runs=most))
    return errors


def manifest(folder, number):
    return json.loads((folder / f"trials/{number:04}/manifest.json").read_text("utf-8"))


def test_trials_end_early_or_with_their_objective(study, registry):
    folder = study()
    assert carried_out(folder, registry) == {}
    tuned = open_group(folder, registry)
    assert [trial.state for trial in tuned.trials] == ["finished", "pruned", "finished", "finished"]
    assert (tuned.status, str(tuned.objective)) == ("finished", "validation.accuracy")
    for trial in tuned.trials:
        stored = manifest(folder, trial.number)
        assert (stored["status"], stored["epochs"]) == ("finished", 1 if trial.number == 1 else 3)
        metrics = json.loads((tuned.trial_folder(trial.number) / "metrics.json").read_text("utf-8"))
        assert trial.value in (None, metrics["validation"]["accuracy"])
    assert manifest(folder, 1)["stopped"].startswith("pruned: validation.accuracy of ")
    assert sorted(tuned.trials[2].reported) == [0, 1, 2]
    best = max((trial for trial in tuned.trials if trial.value), key=lambda trial: trial.value)
    assert tuned.best_trial == best
    written = tomllib.loads((folder / "best.toml").read_text("utf-8"))
    assert written["optimizer"]["learning_rate"] == best.values["optimizer.learning_rate"]


def next_run(folder, registry):
    training = Training(open_group(folder, registry))
    return training, training._next(folder)


def test_after_a_kill_a_study_continues_with_the_same_decisions(study, registry):
    folder = study()
    carried_out(folder, registry, most=2)  # the spec's own values, and trial 0
    _, run = next_run(folder, registry)
    logged = EpochLogged(0, 0.01, {}, {"accuracy": 0.5})
    reason = run.stop_when(logged)
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"report": 1, "st')  # cut off by the kill
    _, run = next_run(folder, registry)
    assert run.directory.name == "0001"
    assert run.stop_when(logged) == reason
    assert reason.startswith("pruned")
    carried_out(folder, registry)
    states = [trial.state for trial in open_group(folder, registry).trials]
    assert states == ["finished", "pruned", "finished", "finished"]


def test_a_trial_that_is_stopped_too_late_does_not_begin_its_next_run(study, registry):
    """As on an executor, where the first run may end before the decision reaches it."""
    folder = study(**{"tune.seeds": [3, 4], "tune.search": {"type": "steps", "rates": [0.01]}})
    carried_out(folder, registry, most=2)  # the spec's own values
    training, run = next_run(folder, registry)
    assert run.stop_when(EpochLogged(0, 0.01, {}, {"accuracy": 0.5})).startswith("pruned")
    (update,) = InProcess().execute(iter([replace(run, stop_when=None)]))
    training._end(run.task, run.outcome(**Answer.unpacked(update.answer).outcome))
    carried_out(folder, registry)
    tuned = open_group(folder, registry)
    assert [trial.state for trial in tuned.trials] == ["pruned"]
    assert [member.path.name for member in open_group(tuned.trial_folder(0)).runs] == ["seed-3"]


def test_a_point_that_is_proposed_twice_is_trained_once(study, registry, capsys):
    folder = study(**{"tune.search": {"type": "steps", "rates": [0.1, 0.2, 0.1]}})
    notes = []
    training = Training(open_group(folder, registry), note=notes.append)
    training.train()
    tuned = open_group(folder, registry)
    assert notes == ["trials/0002 repeats trials/0000, which is not trained again"]
    assert [trial.state for trial in tuned.trials] == ["finished"] * 3
    assert tuned.trials[2].value == tuned.trials[0].value
    assert not tuned.trial_folder(2).exists()
    Training(open_group(folder, registry)).train()
    assert open_group(folder, registry).trials == tuned.trials


def test_the_objective_is_the_mean_over_folds_and_seeds(study, registry):
    folder = study(
        **{"data.validation": None, "data.folds": 2, "tune.seeds": [3, 4]}
        | {"tune.objective": "validation.loss", "tune.search": {"type": "steps", "rates": [0.1]}}
    )
    carried_out(folder, registry, most=4 + 3)
    carried_out(folder, registry)
    tuned = open_group(folder, registry)
    (trial,) = tuned.trials
    runs = sorted(tuned.trial_folder(0).glob("seed-*/fold-*/metrics.json"))
    losses = [json.loads(run.read_text("utf-8"))["validation"]["loss"] for run in runs]
    assert len(losses) == 4
    assert trial.value == pytest.approx(sum(losses) / 4, rel=1e-12)
    assert (tuned.best_trial, tuned.better) == (trial, "lower")
    assert sorted(trial.reported) == list(range(12))


def test_the_best_trial_is_compared_with_the_specs_own_values(study, registry):
    """Pair by pair: they are trained first, on the same folds, and unknown to the searcher."""
    folder = study(
        **{"data.validation": None, "data.folds": 3, "tune.objective": "validation.loss"}
        | {"tune.search": {"type": "steps", "rates": [0.5, 0.2]}}
    )
    carried_out(folder, registry, most=2)
    carried_out(folder, registry)
    tuned = open_group(folder, registry)

    def losses(point):
        files = (folder / point / f"fold-{number}/metrics.json" for number in (1, 2, 3))
        return [json.loads(file.read_text("utf-8"))["validation"]["loss"] for file in files]

    untuned, best = losses("untuned"), losses(f"trials/{tuned.best_trial.number:04}")
    differences = [one - other for one, other in zip(untuned, best, strict=True)]
    assert (tuned.gain.pairs, [trial.number for trial in tuned.trials]) == (3, [0, 1])
    assert tuned.gain.untuned == pytest.approx(fmean(untuned), rel=1e-12)
    assert tuned.gain.value == pytest.approx(fmean(differences), rel=1e-12)
    assert tuned.gain.standard_error == pytest.approx(stdev(differences) / 3**0.5, rel=1e-12)
    assert list(tuned.journal.tasks)[:3] == [f"untuned/fold-{number}" for number in (1, 2, 3)]
    assert tuned.gain.sentence("validation.loss") in tuned.tables()[0].note
    assert open_group(folder / "untuned", registry).status == "finished"


@pytest.mark.parametrize("target", [0.0, 0.9])
def test_an_objective_may_be_the_distance_from_a_number(study, registry, target):
    folder = study(
        **{"tune.objective": "validation.accuracy", "tune.better": target}
        | {"tune.search": {"type": "steps", "rates": [0.1, 1.0, 0.2]}}
    )
    carried_out(folder, registry)
    tuned = open_group(folder, registry)
    distances = []
    for trial in tuned.trials:
        path = tuned.trial_folder(trial.number) / "metrics.json"
        accuracy = json.loads(path.read_text("utf-8"))["validation"]["accuracy"]
        distances.append(abs(accuracy - target))
        assert trial.value == distances[-1]
    assert tuned.best_trial == tuned.trials[distances.index(min(distances))]
    assert str(tuned.objective) == f"|validation.accuracy - {target:g}|"
    assert (tuned.summary.objective, tuned.summary.better) == ("validation.accuracy", target)
    assert (folder / "best.toml").read_text("utf-8").splitlines()[0].count("|validation.accuracy")


def test_the_budget_counts_trials_and_minutes(study, registry):
    folder = study(**{"tune.trials": 2})
    carried_out(folder, registry)
    assert len(open_group(folder, registry).trials) == 2
    tuned = open_group(folder, registry)
    tuned.note(seconds=61.0)
    tuned.note(minutes=1.0)
    (spec,) = tuned.file.specs
    document = {**spec.document, "tune": {**spec.document["tune"], "trials": 5}}
    tuned.note(specs=(spec.model_copy(update={"document": document}),))
    carried_out(folder, registry)
    assert len(open_group(folder, registry).trials) == 2


def test_a_study_is_finished_once_its_summary_has_been_written(study, registry, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    folder = study()
    with monkeypatch.context() as patch:
        patch.setattr(Group, "write_trials", interrupt)
        with pytest.raises(KeyboardInterrupt):
            Training(open_group(folder, registry)).train()
    assert open_group(folder, registry).status == "running"
    Training(open_group(folder, registry)).train()
    tuned = open_group(folder, registry)
    assert (tuned.status, len(tuned.trials) + 1) == ("finished", len(tuned.journal.tasks))


VALUES = {"optimizer.learning_rate": 0.1, "model.layers.1": "relu"}


class Stored:
    """A study with one trial that its searcher stores."""

    def __init__(self, **wrong):
        self.known, self.wrong = [], wrong

    def answer(self, method, value):
        return self.wrong.get(method, value)

    def ask(self):
        if self.known:
            return None
        self.known = [StudyTrial(0, VALUES)]
        return self.answer("ask", self.known[0])

    def trials(self):
        return self.answer("trials", list(self.known))

    def report(self, number, step, value):
        return self.answer("report", False)

    def tell(self, number, state, value, seconds):
        self.known = [replace(self.known[number], state=state, value=value, seconds=seconds)]
        return self.answer("tell", None)

    def importance(self):
        return self.answer("importance", {})

    def close(self):
        return self.answer("close", None)


FINISHED = StudyTrial(0, VALUES, "finished", 0.5)


@pytest.mark.parametrize(
    ("method", "value", "fault"),
    [
        ("ask", 3, "3, not a StudyTrial or None"),
        ("ask", replace(FINISHED, number=-1), "-1 as number, not an integer of at least 0"),
        ("ask", StudyTrial(0, {}), 'no value of "optimizer.learning_rate"'),
        ("trials", None, "None, not a Sequence"),
        ("trials", [None], "None, not a StudyTrial"),
        ("trials", [FINISHED, FINISHED], "trials, which are not in the order of distinct numbers"),
        ("trials", [replace(FINISHED, state="done")], "'done' as state, not"),
        ("trials", [replace(FINISHED, value=None)], "None as value of a trial that is finished"),
        ("trials", [replace(FINISHED, reported={"0": 1})], "the key '0' as reported, not an integ"),
        ("report", None, "None, not True or False"),
        ("tell", False, "False, not None"),
        ("importance", {"a": "b"}, "'b' as \"a\", not a number"),
        ("close", 1, "1, not None"),
    ],
)
def test_what_an_open_study_returns_is_verified(study, registry, method, value, fault):
    class Storing(Searcher):
        type = "storing"

        def open(self, study):
            return Stored(**{method: value})

    registry.register(Storing)
    folder = study(**{"tune.search": "storing"})
    errors = []
    try:
        with closing(Training(open_group(folder, registry))) as training:
            training.trial_ended = lambda _trial, error: errors.append(error)
            training.train()
    except ComponentError as error:
        errors.append(str(error))
    expected = f'searcher "storing" of this program: open().{method}() returned {fault}'
    assert errors[-1].startswith(expected)
