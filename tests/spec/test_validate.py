"""From files and documents to specs, and every error at its key path, in one pass."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import tomli_w

from declnet import SpecError, load_spec, parse_spec
from declnet.spec.validate import read_spec


def test_toml_and_json_give_the_same_spec(document, spec_file):
    toml = spec_file(tomli_w.dumps(document), "spec.toml")
    assert load_spec(toml) == load_spec(spec_file(document))


def test_a_bare_name_is_the_table_with_that_type(document):
    tables = {
        **document,
        "loss": {"type": "categorical_crossentropy"},
        "training": {**document["training"], "metrics": [{"type": "accuracy"}]},
        "model": {
            **document["model"],
            "layers": [
                {"type": each} if isinstance(each, str) else each
                for each in document["model"]["layers"]
            ],
        },
    }
    assert parse_spec(document) == parse_spec(tables)


def test_overrides_change_a_copy_of_tables_or_a_spec(document, spec_file):
    before = copy.deepcopy(document)
    values = {
        "optimizer.learning_rate": 0.3,
        "model.layers.0.units": 6,
        "loss.label_smoothing": 0.1,
    }
    expected = load_spec(spec_file(document), {"name": "small", **values})
    assert parse_spec(document, overrides=values) == expected
    assert parse_spec(parse_spec(document), overrides=values) == expected
    assert document == before
    variable = {**document, "variables": {"units": 4}}
    variable["model"] = {"layers": [{"type": "dense", "units": "${units}"}]}
    found = parse_spec(variable, overrides={"variables.units": 9}).model.layers[0]
    assert found.units == 9
    parse_spec(variable, overrides={"model.layers.0.units": 3})  # the variable is still used
    with pytest.raises(SpecError, match=r'--set:2:1: error.*unknown key "learnin_rate"'):
        parse_spec(document, overrides={"seed": 3, "optimizer.learnin_rate": 0.3})


@pytest.mark.parametrize(
    ("file", "name"),
    [("my run", "my run"), (".hidden", "hidden"), ("x" * 150, "x" * 100)],
)
def test_the_default_name_is_the_file_stem_as_far_as_it_is_valid(document, spec_file, file, name):
    del document["name"]
    path = spec_file(document, f"{file}.json")
    assert load_spec(path).name == name


def test_relative_paths_are_relative_to_the_file(document, spec_file, tmp_path):
    document["data"]["train"]["path"] = "data.npz"
    document["model"]["initial_weights"] = "sub/w.safetensors"
    spec = load_spec(spec_file(document))
    assert spec.data.train.path == tmp_path / "data.npz"
    assert spec.model.initial_weights == tmp_path / "sub" / "w.safetensors"
    spec = parse_spec(document, folder=Path("/elsewhere"))
    assert spec.data.train.path == Path("/elsewhere/data.npz")


def test_instances_of_components_may_replace_tables(document):
    spec = parse_spec(document)
    again = parse_spec({**document, "loss": spec.loss, "optimizer": spec.optimizer})
    assert again == spec


def test_paths_and_mappings_are_told_apart(document, spec_file):
    with pytest.raises(SpecError, match=r"a spec must be a mapping, not str .*declnet\.load_spec"):
        parse_spec(str(spec_file(document)))
    with pytest.raises(SpecError, match=r"or a Path, not dict .*declnet\.parse_spec"):
        load_spec(document)


def test_specs_are_frozen_all_through(document):
    spec = parse_spec(document)
    for part, name in [(spec, "seed"), (spec.training, "epochs"), (spec.model.layers[0], "units")]:
        with pytest.raises(ValueError, match="frozen"):
            setattr(part, name, 7)
    assert isinstance(spec.model.layers, tuple)


def test_errors_of_a_program_name_the_key_path(document):
    with pytest.raises(SpecError, match=r"^training\.epochs: error\[E013\]: "):
        parse_spec({**document, "training": {"epochs": 0}})


def test_a_wrong_override_of_a_program_is_shown_as_if_written(document, spec_file):
    changes = {"seed": 2, "training.epochs": 0, "model.layers.9.units": 1}
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(document), changes)
    found = {each.code: (str(each.place), each.place.text) for each in caught.value.problems}
    assert found == {
        "E013": ("--set:2:17", "training.epochs=0"),
        "E005": ("--set:3:1", "model.layers.9.units=1"),
    }


def test_duplicate_keys_are_reported_with_all_other_errors(spec_file):
    text = """\
declnet = 1
seed = 1
seed = 2
loss = "mean_squared_error"
optimizer = "nope"
[model]
layers = ["relu"]
[training]
epochs = 1
epochs = "ten"
"""
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(text, "spec.toml"))
    found = [(each.code, each.place.line) for each in caught.value.problems]
    assert found == [("E003", 3), ("E015", 5), ("E003", 10)]


def test_one_key_has_one_error(document, spec_file):
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file({**document, "declnet": True, "seed": 2**70}))
    assert sorted(each.code for each in caught.value.problems) == ["E007", "E013"]


def test_a_spec_knows_where_it_is_written(document, spec_file, tmp_path):
    spec = load_spec(spec_file(tomli_w.dumps(document), "spec.toml"), {"training.epochs": 9})
    place = spec.source_map.place_of(("model", "layers", 2, "units"))
    assert (place.file, place.text[place.column - 1 : place.end_column - 1]) == (
        str(tmp_path / "spec.toml"),
        "3",
    )
    assert str(spec.source_map.exact_place(("training", "epochs"))) == "--set:1:17"
    assert spec.source_map.exact_place(("training", "shuffle")) is None


def test_specs_are_equal_by_their_values(document, spec_file):
    one, other = load_spec(spec_file(document)), parse_spec(document)
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse_spec({**document, "seed": 2})


def test_an_invalid_spec_has_its_valid_parts(document, spec_file):
    parsed = read_spec(spec_file({**document, "loss": "nonsense"}))
    assert parsed.spec is None
    assert parsed.partial.heads[0].loss is None
    assert parsed.partial.optimizer.type == "sgd"


def test_a_document_that_is_too_deep_is_refused(document):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "name": deep})
    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == ("E004", None)


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
        (("optimizer", "learning_rate", "decay"), "E011"),
        (("optimizer", "learning_rate", "color"), "E010"),
    ]


def test_all_errors_of_a_spec_come_in_one_pass(problems, document):
    broken = copy.deepcopy(document) | {"loss": "nope", "sede": 1}
    broken["model"]["layers"][0] = {"type": "dense", "units": "many", "color": 1}
    broken["training"] = {"epochs": 0, "metrics": ["acc", "accuracy"]}
    del broken["optimizer"]
    found = {".".join(map(str, each.path)): each.code for each in problems(broken)}
    assert found == {
        "model.layers.0.units": "E012",
        "model.layers.0.color": "E010",
        "loss": "E015",
        "optimizer": "E011",
        "training.epochs": "E013",
        "training.metrics.0": "E015",
        "sede": "E010",
    }


def test_a_metric_named_like_a_column_of_the_history_is_refused(problems, document):
    document["training"]["metrics"] = [{"type": "accuracy", "name": "loss"}]
    (found,) = problems(document)
    assert (found.path, found.code) == (("training", "metrics", 0), "E019")
    assert found.message == 'a metric cannot be named "loss", a column of the history'


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        ("training.epochs", "10", "E012", 'must be a whole number, not "10"'),
        ("training.epochs", True, "E012", "must be a whole number, not true"),
        ("training.log_every", None, "E012", "must be a whole number, not null"),
        ("training.epochs", None, "E011", "is missing"),
        ("training.epochs", 0, "E013", "must be at least 1, not 0"),
        ("training.clip_norm", 0, "E013", "must be greater than 0, not 0"),
        ("training.shuffle", 1, "E012", "must be true or false, not 1"),
        ("training", 3, "E012", "must be a table, not 3"),
        ("seed", 2**53 + 1, "E013", "must be at most 9007199254740992, not 9007199254740993"),
        ("name", 3, "E012", "must be a string, not 3"),
        ("declnet", 2, "E007", "must be 1"),
        ("declnet", True, "E012", "must be a whole number, not true"),
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
        ("model.layers", 3, None),
    ],
)
def test_a_hint_follows_from_the_value(problems, document, key, value, hint):
    (found,) = problems(document, {key: value})
    assert found.help == hint


@pytest.mark.parametrize("key", ["optimizer.learning_rate", "seed"])
def test_a_number_of_more_than_64_bits_is_one_error(problems, document, key):
    (found,) = problems(document, {key: 16**5000})
    assert found.code == "E013"
    assert ".".join(map(str, found.path)) == key
    assert found.message.startswith("whole numbers must be between -9223372036854775807")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"type": "dense", "unit": 4}, ["E010 unit"]),
        ({"type": "dense", "unit": 4, "x": 1}, ["E010 unit", "E010 x"]),
        ({"type": "dense", "width": 4}, ["E010 width", "E011 units"]),
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
