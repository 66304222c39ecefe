"""The searchers that need no other package, and the default without Optuna."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from declnet import Dimension, StudyContext, StudyTrial, parse_spec, tune
from declnet_plugins.standard.searchers import STARTING_TRIALS, Grid, Random

SPACE = (
    Dimension("optimizer", choices=("sgd", "adam")),
    Dimension("optimizer.momentum", 0.0, 0.5, 0.25, conditions=(("optimizer", ("sgd",)),)),
    Dimension("model.layers.0.units", 8, 24, 8),
)
STUDY = StudyContext("s", Path(), SPACE, "validation.loss", "lower", 7)


def test_a_grid_has_each_point_once_in_an_order_of_its_seed():
    def points(study):
        proposed = [Grid().propose(study, number, ()) for number in range(13)]
        assert proposed[12] is None
        return [tuple(sorted(trial.items())) for trial in proposed[:12]]

    result = points(STUDY)
    assert len(set(result)) == 12  # adam has no momenta
    assert sorted(points(replace(STUDY, seed=8))) == sorted(result) != result
    assert points(STUDY) == result
    without_step = replace(STUDY, space=(Dimension("a", 0.0, 1.0),))
    (problem,) = Grid().check_study(without_step)
    assert problem.message == 'a grid has no values of "a", a range without a step'
    huge = replace(STUDY, space=(Dimension("a", 0, 10**6, 1),))
    (problem,) = Grid().check_study(huge)
    assert "more than 100,000 points" in problem.message


@pytest.mark.parametrize(
    "dimension",
    [
        Dimension("a", choices=("x", 3, True)),
        Dimension("a", 1, 5, 1),
        Dimension("a", 2, 20, 6),
        Dimension("a", 1, 100, log=True),
        Dimension("a", 1e-4, 0.1, log=True),
        Dimension("a", -1.0, 1.0),
        Dimension("a", 0.1, 0.7, 0.2),
    ],
    ids=str,
)
def test_random_values_are_all_of_the_dimension(dimension):
    study = replace(STUDY, space=(dimension,))
    values = [Random().propose(study, number, ())["a"] for number in range(400)]
    assert all(map(dimension.holds, values))
    assert values == [Random().propose(study, number, ())["a"] for number in range(400)]
    if dimension.choices or (dimension.step is not None and not dimension.log):
        counts = Counter(values)
        assert counts.keys() == set(dimension.values())
        assert min(counts.values()) > 400 / len(counts) / 2
    else:
        low, high = dimension.low, dimension.high
        middle = (low * high) ** 0.5 if dimension.log else (low + high) / 2
        assert 140 < sum(value < middle for value in values) < 260


@pytest.mark.parametrize(("better", "sign"), [("lower", 1), ("higher", -1)])
def test_the_worse_half_is_stopped_once_five_trials_have_finished(better, sign):
    study = replace(STUDY, better=better)
    done = [StudyTrial(n, {}, "finished", 1.0, {0: sign * n, 1: sign * n}) for n in range(5)]
    late = StudyTrial(9, {}, reported={0: sign * 3.0, 1: sign * 2.5})
    early = replace(late, reported={0: sign * 1.5, 1: sign * 9.0})  # the best so far counts
    assert Random().should_stop(study, late, done)
    assert not Random().should_stop(study, early, done)
    assert not Random().should_stop(study, late, done[:4])
    assert not Random(pruner="none").should_stop(study, late, done)


def test_without_optuna_a_study_is_random_and_stays_so(document, monkeypatch, tmp_path):
    document["data"]["validation"] = 0.25
    space = {"optimizer.learning_rate": {"low": 0.01, "high": 1.0}}
    tuned = {**document, "tune": {"trials": 2, "space": space}}
    monkeypatch.setattr("declnet_plugins.optuna.searcher.find_spec", lambda name: None)
    result = tune(parse_spec(tuned), out=tmp_path / "study")
    assert [trial.state for trial in result.trials] == ["finished"] * 2
    monkeypatch.undo()
    assert type(result.search.searcher) is Random


@pytest.mark.parametrize(("value", "stops"), [(1.0, False), (1.1, True)])
def test_a_trial_that_equals_the_median_goes_on(value, stops):
    before = [StudyTrial(n, {}, "finished", 1.0, {3: 1.0}) for n in range(STARTING_TRIALS)]
    trial = StudyTrial(9, {}, reported={3: value})
    assert Random().should_stop(STUDY, trial, before) is stops
