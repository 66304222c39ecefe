"""Messages, codes and hints for values that pydantic rejects."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        ("data.train.type", "spiral", "E015", 'did you mean "nnfs_spiral"?'),
        ("training.metrics.0", "acuracy", "E015", 'metric type "acuracy" is not installed'),
        ("model.layers.0.type", 3, "E012", '"type" must be the name of a type'),
        ("model.layers.0.type", "", "E015", 'layer type "" is not installed'),
        ("model.layers.0", 3, "E012", 'item 0 of "layers" must be a layer'),
        ("model.layers.0", {"units": 3}, "E011", 'add type = "…"; installed layers: add, '),
        ("loss", None, "E011", '"loss" is missing'),
        ("loss", ["a"], "E012", '"loss" must be a loss'),
        ("optimizer", 0.1, "E012", '"optimizer" must be an optimizer'),
    ],
)
def test_wrong_types_of_components_are_explained(problems, document, key, value, code, expected):
    (found,) = problems({**document, "optimizer": {"type": "sgd"}}, {key: value})
    assert found.code == code
    assert str(found).startswith(key)
    assert expected in str(found)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"type": "dense"}, "add units = …, number of outputs"),
        ("dense", 'write { type = "dense", units = … }; units: number of outputs'),
    ],
)
def test_a_missing_key_is_named_also_for_a_bare_name(problems, document, value, hint):
    (found,) = problems(document, {"model.layers.0": value})
    assert found.path == ("model", "layers", 0, "units")
    assert (found.code, found.message) == ("E011", '"units" is missing')
    assert found.help == hint


def test_wrong_items_do_not_make_a_list_too_short(problems, document):
    document["model"]["layers"] = [{"type": "dense", "units": 0}]
    assert [each.code for each in problems(document)] == ["E013"]


def test_errors_inside_nested_components_have_exact_locations(problems, document):
    layer = {"type": "dense", "units": 4, "weight_regularizer": {"type": "l2", "strength": -1}}
    schedule = {"type": "inverse_time", "initial_rate": 1, "color": 1}
    document["model"]["layers"][2] = layer
    found = problems({**document, "optimizer": {"type": "sgd", "learning_rate": schedule}})
    assert [(problem.path, problem.code) for problem in found] == [
        (("model", "layers", 2, "weight_regularizer", "strength"), "E013"),
        (("optimizer", "learning_rate", "color"), "E010"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        ("training.epochs", "10", "E012", 'must be an integer, not "10"'),
        ("training.epochs", True, "E012", "must be an integer, not true"),
        ("training.log_every", None, "E012", "must be an integer, not null"),
        ("training.epochs", None, "E011", "is missing"),
        ("training.epochs", 0, "E013", "must be at least 1, not 0"),
        ("training.clip_norm", 0, "E013", "must be greater than 0, not 0"),
        ("training.shuffle", 1, "E012", "must be true or false, not 1"),
        ("training", 3, "E012", "must be a table, not 3"),
        ("seed", 2**53 + 1, "E013", "must be at most 9007199254740992, not 9007199254740993"),
        ("name", 3, "E012", "must be a string, not 3"),
        ("declnet", 2, "E007", "must be 1"),
        ("declnet", True, "E012", "must be an integer, not true"),
        ("model.dtype", "float16", "E014", 'must be "float32" or "float64", not "float16"'),
        ("model.layers", [], "E018", "must have at least 1 item"),
        ("model.layers", {"type": "dense"}, "E012", "must be a list"),
        ("model.layers.0.inputs", "input", "E012", 'must be a list, not "input"'),
        ("optimizer.learning_rate", True, "E012", "must be a number, or a schedule"),
        ("optimizer.learning_rate", float("inf"), "E013", "must be at least 0 and finite, not inf"),
        ("optimizer.decay", float("nan"), "E013", "must be finite"),
        ("optimizer.decay", "0.5", "E012", 'must be a number, not "0.5"'),
        ("optimizer.momentum", 1, "E013", "must be less than 1, not 1"),
        ("data.validation", 1.0, "E013", "must be greater than 0 and less than 1, not 1"),
        ("data.validation", 0, "E013", "must be greater than 0 and less than 1, not 0"),
        ("data.train.path", 3, "E012", "must be a path, not 3"),
    ],
)
def test_wrong_values_are_reported_with_their_key_and_value(
    problems, document, key, value, code, expected
):
    (found,) = problems(document, {key: value})
    name = key.rpartition(".")[2]
    assert str(found).startswith(f'{key}: error[{code}]: "{name}" {expected}')
    assert found.focus == ("key" if isinstance(value, dict) else "value")
    assert "Input should" not in found.message
    assert "String should" not in found.message


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("training.shuffle", "true", "remove the quotation marks"),
        ("optimizer.decay", "5e-7", "remove the quotation marks"),
        ("optimizer.decay", "small", None),
        ("training.epochs", 10.5, None),
        ("name", 3, "put it in quotation marks"),
        ("training.shuffle", 1, "write true"),
        ("training.epochs", [3], "remove the brackets"),
        (
            "optimizer",
            [{"type": "adam"}],
            "remove one pair of brackets: it is a table, not a list of tables",
        ),
        ("training.metrics", "[accuracy]", 'put the items in quotation marks: ["…"]'),
        ("training.epochs", "$epochs", 'for the value of a variable write "${epochs}"'),
        ("optimizer.learning_rate", "{{lr}}", 'for the value of a variable write "${lr}"'),
        ("model.layers", 3, None),
    ],
)
def test_a_hint_follows_from_the_value(problems, document, key, value, hint):
    (found,) = problems(document, {key: value})
    assert found.help == hint


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"type": "dense", "unit": 4}, ["E010 unit"]),
        ({"type": "dense", "unit": 4, "x": 1}, ["E010 unit", "E010 x"]),
        ({"type": "dense", "width": 4}, ["E010 width"]),
        ({"type": "dense", "zzz": 4}, ["E010 zzz"]),
        ({"type": "dense", "zzz": "4"}, ["E010 zzz", "E011 units"]),
    ],
)
def test_a_missing_key_that_is_only_misspelled_is_reported_once(
    problems, document, layer, expected
):
    changes = {"model.layers.0": layer, "model.layers.1": {"type": "dense"}}
    found = sorted(f"{each.code} {each.path[-1]}" for each in problems(document, changes))
    assert found == sorted([*expected, "E011 units"])


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("optimizer.epochs", "it belongs in [training]"),
        ("training.train", "it belongs in [data]"),
        ("train", "it belongs in [data]"),
        ("model.loss", "it belongs at the top of the spec, outside all sections"),
        ("training.nonsense", "keys here: accumulate, batch_size, "),
        ("model.layers.0.epochs", "keys of dense: "),
        ("data.train.seed", "keys of npz: "),
        ("extends", "only spec files can extend others; use load_spec"),
    ],
)
def test_the_right_place_of_a_misplaced_key_is_named(problems, document, key, hint):
    (found,) = problems(document, {key: 1})
    assert (found.code, found.focus) == ("E010", "key")
    assert found.help.startswith(hint)
