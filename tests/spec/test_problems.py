"""Faults of specs: each at its key path, in words, all in one pass."""

from __future__ import annotations

import copy

import pytest

from declnet import SpecError, parse_spec
from declnet.spec.overrides import apply_overrides


def problems(document, **overrides):
    with pytest.raises(SpecError) as caught:
        parse_spec(
            apply_overrides(document, {k.replace("__", "."): v for k, v in overrides.items()})
        )
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("sead", 1, 'sead: unknown key (did you mean "seed"?)'),
        ("data.trian", "x", 'data.trian: unknown key (did you mean "train"?)'),
        ("model.dtpe", "float32", 'model.dtpe: unknown key (did you mean "dtype"?)'),
        ("model.layers.0.unit", 3, 'model.layers.0.unit: unknown key (did you mean "units"?)'),
        ("training.epoch", 3, 'training.epoch: unknown key (did you mean "epochs"?)'),
        ("optimizer.momentun", 0, 'optimizer.momentun: unknown key (did you mean "momentum"?)'),
        ("loss.zzz", 1, "loss.zzz: unknown key (keys here: label_smoothing)"),
    ],
)
def test_misspelt_keys_are_found_at_every_level(document, key, value, expected):
    assert problems(document, **{key: value}) == [expected]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("model.layers.0.type", "dens", 'unknown layer type "dens" (did you mean "dense"?)'),
        (
            "model.layers.1",
            "rleu",
            'model.layers.1: unknown layer type "rleu" (did you mean "relu"',
        ),
        ("loss", "categorical_crossentropi", 'did you mean "categorical_crossentropy"?'),
        ("optimizer.type", "Adam", 'unknown optimizer type "Adam" (did you mean "adam"?)'),
        ("data.train.type", "spiral", 'did you mean "nnfs_spiral"?'),
        ("training.metrics.0", "acuracy", 'training.metrics.0: unknown metric type "acuracy"'),
        ("optimizer.type", "zzz", "installed optimizer types: adadelta, adagrad, adam,"),
        ("model.layers.0.type", 3, "model.layers.0.type: must be the name of a type"),
        ("model.layers.0.type", "", "model.layers.0.type: unknown layer type"),
        ("model.layers.0", 3, "model.layers.0: must be a layer"),
        ("loss", None, "loss: must be a loss"),
        ("loss", ["a"], "loss: must be a loss"),
        ("optimizer", 0.1, "optimizer: must be an optimizer"),
    ],
)
def test_wrong_types_of_components_are_explained(document, key, value, expected):
    (found,) = problems({**document, "optimizer": {"type": "sgd"}}, **{key: value})
    assert expected in found


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("training.epochs", "10", 'must be a whole number, not "10"'),
        ("training.epochs", True, "must be a whole number, not true"),
        ("training.epochs", 10.0, "must be a whole number, not 10.0"),
        ("training.epochs", 0, "must be greater than or equal to 1, not 0"),
        ("training.log_every", 0, "must be greater than or equal to 1, not 0"),
        ("training.batch_size", -1, "must be greater than or equal to 1, not -1"),
        ("training.shuffle", 1, "must be true or false, not 1"),
        ("training.metrics", "accuracy", 'must be a list, not "accuracy"'),
        ("seed", -1, "must be greater than or equal to 0, not -1"),
        ("seed", 2**53 + 1, "must be less than"),
        ("name", "a/b", "must"),
        ("name", 3, "must be a string, not 3"),
        ("name", "", "must"),
        ("declnet", 2, "must be 1"),
        ("declnet", True, "must be a whole number, not true"),
        ("declnet", 1.0, "must be a whole number, not 1.0"),
        ("model.dtype", "float16", "must be 'float32' or 'float64', not \"float16\""),
        ("model.layers", [], "must"),
        ("model.layers", {"type": "dense"}, "must be a list"),
        ("model.layers.0.units", 0, "must be greater than or equal to 1, not 0"),
        ("model.layers.0.inputs", "input", 'must be a list, not "input"'),
        ("model.layers.0.name", "a.b", "must"),
        ("optimizer.learning_rate", "0.5", "must be a number"),
        ("optimizer.learning_rate", True, "must be a number, or a schedule"),
        ("optimizer.learning_rate", float("nan"), "must be at least 0 and finite, not nan"),
        ("optimizer.learning_rate", float("inf"), "must be at least 0 and finite, not inf"),
        ("optimizer.learning_rate", -0.1, "must be at least 0 and finite, not -0.1"),
        ("optimizer.learning_rate", 10**400, "must be"),
        ("optimizer.decay", float("nan"), "must be finite"),
        ("optimizer.decay", "0.5", 'must be a number, not "0.5"'),
        ("optimizer.momentum", 1, "must be less than 1, not 1"),
        ("data.validation", 1.0, "must be greater than 0 and less than 1"),
        ("data.validation", 0, "must be greater than 0 and less than 1"),
        ("data.train.path", 3, "must be a path"),
    ],
)
def test_wrong_values_are_told_at_their_key_and_with_what_was_found(document, key, value, expected):
    (found,) = problems(document, **{key: value})
    assert found.startswith(f"{key}: {expected}")
    assert "Input should" not in found
    assert "String should" not in found


@pytest.mark.parametrize("section", ["model", "loss", "optimizer", "training"])
def test_a_missing_section_is_named(document, section):
    del document[section]
    assert problems(document) == [f"{section}: missing"]


@pytest.mark.parametrize(
    ("key", "value", "missing"),
    [
        ("model.layers.0", "dense", ["model.layers.0.units"]),
        ("model.layers.0", {"type": "dense"}, ["model.layers.0.units"]),
        ("data.train", "nnfs_spiral", ["data.train.samples", "data.train.classes"]),
    ],
)
def test_a_missing_field_is_named_also_where_a_bare_name_stands(document, key, value, missing):
    assert problems(document, **{key: value}) == [f"{name}: missing" for name in missing]


def test_faults_inside_nested_components_have_exact_locations(document):
    layer = {"type": "dense", "units": 4, "weight_regularizer": {"type": "l2", "strength": -1}}
    schedule = {"type": "inverse_time", "initial_rate": 1, "decai": 1}
    document["model"]["layers"][2] = layer
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "optimizer": {"type": "sgd", "learning_rate": schedule}})
    assert [problem.path for problem in caught.value.problems] == [
        ("model", "layers", 2, "weight_regularizer", "strength"),
        ("optimizer", "learning_rate", "decay"),
        ("optimizer", "learning_rate", "decai"),
    ]


def test_all_faults_of_a_spec_come_in_one_pass(document):
    broken = copy.deepcopy(document) | {"loss": "nope", "sede": 1}
    broken["model"]["layers"][0] = {"type": "dense", "units": "many", "colour": 1}
    broken["training"] = {"epochs": 0, "metrics": ["acc", "accuracy"]}
    del broken["optimizer"]
    paths = [problem.split(": ")[0] for problem in problems(broken)]
    assert sorted(paths) == sorted(
        [
            "model.layers.0.units",
            "model.layers.0.colour",
            "loss",
            "optimizer",
            "training.epochs",
            "training.metrics.0",
            "sede",
        ]
    )


def test_a_metric_listed_twice_is_refused(document):
    document["training"]["metrics"] = ["accuracy", {"type": "accuracy"}]
    assert problems(document) == [
        'training: two metrics are called "accuracy"; give one another name'
    ]


def test_a_schedule_beside_decay_is_refused(document):
    optimizer = {"type": "sgd", "learning_rate": {"type": "constant", "value": 0.1}, "decay": 0.1}
    (found,) = problems({**document, "optimizer": optimizer})
    assert found.startswith("optimizer: decay and a schedule exclude each other")
