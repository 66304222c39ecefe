"""`[tune]`: dimensions and conditions, the specs of trials, and errors at their keys."""

from __future__ import annotations

import pytest

from declnet import Dimension, SpecError, parse_spec

SPACE = {
    "optimizer": ["sgd", {"type": "adam", "beta_1": 0.8}],
    "optimizer.momentum": {"low": 0.0, "high": 0.5, "step": 0.2},
    "model": {"layers.0.units": {"low": 4, "high": 64, "log": True}},
    "training.batch_size": {"low": 5, "high": 16, "step": 5},
}
WHEN = {"optimizer.momentum": {"optimizer": "sgd"}}


def study(document, space=SPACE, **keys):
    tune = {"trials": 5, "search": "optuna", "space": space, **keys}
    return {**document, "data": {**document["data"], "validation": 0.25}, "tune": tune}


def test_ranges_and_choices_are_dimensions_in_the_order_of_conditions(document):
    when = {**WHEN, "optimizer": {"training.shuffle": True}}
    space = {**SPACE, "training.shuffle": [True, False]}
    tuning = parse_spec(study(document, space, when=when)).tuning
    dimensions = {dimension.key: dimension for dimension in tuning.space}
    assert list(dimensions) == [
        "model.layers.0.units",
        "training.batch_size",
        "training.shuffle",
        "optimizer",
        "optimizer.momentum",
    ]
    assert dimensions["optimizer.momentum"] == Dimension(
        "optimizer.momentum", 0.0, 0.4, 0.2, conditions=(("optimizer", ("sgd",)),)
    )
    assert dimensions["optimizer"].choices == ("sgd", "adam")
    assert dimensions["training.batch_size"] == Dimension("training.batch_size", 5, 15, 5)
    units = dimensions["model.layers.0.units"]
    assert (units.is_integer, units.step, units.log) == (True, None, True)
    assert [units.holds(value) for value in (4, 64, 3, 5.0, True)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    shuffle = dimensions["training.shuffle"]
    assert [shuffle.holds(value) for value in (True, 1, "True")] == [True, False, False]


def test_the_spec_of_a_trial_has_its_values_and_no_study(document):
    spec = parse_spec(study(document, when=WHEN))
    values = {"optimizer": "adam", "model.layers.0.units": 7, "training.batch_size": 10}
    resolved = spec.tuning.point(values).source_map.document
    assert "tune" not in resolved
    trial = parse_spec(resolved)
    assert (trial.optimizer.type, trial.optimizer.beta_1) == ("adam", 0.8)
    assert (trial.model.layers[0].units, trial.training.batch_size) == (7, 10)
    assert (trial.tuning, spec.model.layers[0].units) == (None, 4)


@pytest.mark.parametrize(
    ("key", "dimension", "code", "place"),
    [
        ("optimizer.momentum", {"low": 0.0, "high": float("inf")}, "E012", "high"),
        ("optimizer.momentum", {"low": 0.0, "hihg": 0.5}, "E010", "hihg"),
        ("model.layers.1", ["relu", "tanh", "relu"], "E019", 2),
        ("model.layers.1", ["relu"], "E018", None),
        ("training.batch_size", {"low": 4, "high": 8, "step": 5}, "E013", "step"),
    ],
)
def test_an_invalid_dimension_is_one_error_at_its_key(document, key, dimension, code, place):
    with pytest.raises(SpecError) as raised:
        parse_spec(study(document, space={key: dimension}))
    (problem,) = raised.value.problems
    expected = ("tune", "space", key, *([] if place is None else [place]))
    assert (problem.code, problem.path) == (code, expected)
