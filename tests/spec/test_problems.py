"""Faults of specs: each at its key path, with its code, in words, all in one pass."""

from __future__ import annotations

import copy

import pytest


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("sead", 1, 'did you mean "seed"?'),
        ("data.trian", "x", 'did you mean "train"?'),
        ("model.dtpe", "float32", 'did you mean "dtype"?'),
        ("model.layers.0.unit", 3, 'did you mean "units"?'),
        ("training.epoch", 3, 'did you mean "epochs"?'),
        ("optimizer.momentun", 0, 'did you mean "momentum"?'),
        ("loss.zzz", 1, "keys of categorical_crossentropy: label_smoothing"),
    ],
)
def test_misspelt_keys_are_found_at_every_level(problems, document, key, value, expected):
    (found,) = problems(document, {key: value})
    name = key.rpartition(".")[2]
    assert str(found) == f'{key}: error[E010]: unknown key "{name}" ({expected})'
    assert found.focus == "key"


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        (
            "model.layers.0.type",
            "dens",
            "E015",
            'layer type "dens" is not installed (did you mean "dense"?)',
        ),
        (
            "model.layers.1",
            "rleu",
            "E015",
            'layer type "rleu" is not installed (did you mean "relu"?)',
        ),
        (
            "loss",
            "categorical_crossentropi",
            "E015",
            'did you mean "categorical_crossentropy"?',
        ),
        ("optimizer.type", "Adam", "E015", 'type "Adam" is not installed (did you mean "adam"?)'),
        ("data.train.type", "spiral", "E015", 'did you mean "nnfs_spiral"?'),
        ("training.metrics.0", "acuracy", "E015", 'metric type "acuracy" is not installed'),
        ("optimizer.type", "zzz", "E015", "installed optimizers: adadelta, adagrad, adam,"),
        ("model.layers.0.type", 3, "E012", '"type" must be the name of a type'),
        ("model.layers.0.type", "", "E015", 'layer type "" is not installed'),
        ("model.layers.0", 3, "E012", 'item 0 of "layers" must be a layer'),
        ("model.layers.0", {"units": 3}, "E011", '"type" is missing (installed layers: add, '),
        ("loss", None, "E012", '"loss" must be a loss'),
        ("loss", ["a"], "E012", '"loss" must be a loss'),
        ("optimizer", 0.1, "E012", '"optimizer" must be an optimizer'),
    ],
)
def test_wrong_types_of_components_are_explained(problems, document, key, value, code, expected):
    (found,) = problems({**document, "optimizer": {"type": "sgd"}}, {key: value})
    assert found.code == code
    assert str(found).startswith(key)
    assert expected in str(found)


@pytest.mark.parametrize("section", ["model", "loss", "optimizer", "training"])
def test_a_missing_section_is_named(problems, document, section):
    del document[section]
    (found,) = problems(document)
    assert str(found).startswith(f'{section}: error[E011]: "{section}" is missing')


@pytest.mark.parametrize(
    ("key", "value", "missing", "hint"),
    [
        ("model.layers.0", {"type": "dense"}, ["model.layers.0.units"], "units: "),
        ("model.layers.0", "dense", ["model.layers.0.units"], 'write { type = "dense", units = '),
        (
            "data.train",
            "nnfs_spiral",
            ["data.train.samples", "data.train.classes"],
            'write { type = "nnfs_spiral", ',
        ),
    ],
)
def test_a_missing_field_is_named_also_where_a_bare_name_stands(
    problems, document, key, value, missing, hint
):
    found = problems(document, {key: value})
    assert [".".join(map(str, each.path)) for each in found] == missing
    for each in found:
        assert (each.code, each.message) == ("E011", f'"{each.path[-1]}" is missing')
        assert each.help.startswith(hint)


def test_a_key_that_is_only_misspelt_is_not_missing_too(problems, document):
    document["model"]["layers"][0] = {"type": "dense", "unit": 4}
    assert [each.code for each in problems(document)] == ["E010"]
    document["model"]["layers"][0] = {"type": "dense", "colour": 4}
    assert sorted(each.code for each in problems(document)) == ["E010", "E011"]


def test_wrong_items_do_not_make_a_list_too_short(problems, document):
    document["model"]["layers"] = [{"type": "dense", "units": 0}]
    assert [each.code for each in problems(document)] == ["E013"]


def test_faults_inside_nested_components_have_exact_locations(problems, document):
    layer = {"type": "dense", "units": 4, "weight_regularizer": {"type": "l2", "strength": -1}}
    schedule = {"type": "inverse_time", "initial_rate": 1, "colour": 1}
    document["model"]["layers"][2] = layer
    found = problems({**document, "optimizer": {"type": "sgd", "learning_rate": schedule}})
    assert [(problem.path, problem.code) for problem in found] == [
        (("model", "layers", 2, "weight_regularizer", "strength"), "E013"),
        (("optimizer", "learning_rate", "decay"), "E011"),
        (("optimizer", "learning_rate", "colour"), "E010"),
    ]


def test_all_faults_of_a_spec_come_in_one_pass(problems, document):
    broken = copy.deepcopy(document) | {"loss": "nope", "sede": 1}
    broken["model"]["layers"][0] = {"type": "dense", "units": "many", "colour": 1}
    broken["training"] = {"epochs": 0, "metrics": ["acc", "accuracy"]}
    del broken["optimizer"]
    found = {".".join(map(str, each.path)): each.code for each in problems(broken)}
    assert found == {
        "model.layers.0.units": "E012",
        "model.layers.0.colour": "E010",
        "loss": "E015",
        "optimizer": "E011",
        "training.epochs": "E013",
        "training.metrics.0": "E015",
        "sede": "E010",
    }


def test_a_metric_listed_twice_is_refused_at_the_second(problems, document):
    document["training"]["metrics"] = ["accuracy", {"type": "accuracy"}]
    (found,) = problems(document)
    assert (found.path, found.code) == (("training", "metrics", 1), "E019")
    assert found.message == 'two metrics are called "accuracy"'
    assert "name = " in found.help


def test_a_metric_called_as_a_figure_that_there_is_already_is_refused(problems, document):
    document["training"]["metrics"] = [{"type": "accuracy", "name": "loss"}]
    (found,) = problems(document)
    assert (found.path, found.code) == (("training", "metrics", 0), "E019")
    assert found.message == 'a metric cannot be called "loss": the history has that'


def test_a_schedule_beside_decay_is_refused(problems, document):
    optimizer = {"type": "sgd", "learning_rate": {"type": "constant", "value": 0.1}, "decay": 0.1}
    (found,) = problems({**document, "optimizer": optimizer})
    assert found.code == "E017"
    assert found.path[0] == "optimizer"
    assert "decay" in found.message


def test_what_has_no_file_has_no_place_and_is_told_by_its_key(problems, document):
    (found,) = problems(document, {"training.epochs": 0})
    assert found.place is None
    assert str(found) == 'training.epochs: error[E013]: "epochs" must be at least 1, not 0'
