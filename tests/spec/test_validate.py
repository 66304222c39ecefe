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


def test_paths_and_mappings_are_distinguished(document, spec_file):
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


@pytest.mark.parametrize("key", ["optimizer.learning_rate", "seed"])
def test_a_number_of_more_than_64_bits_is_one_error(problems, document, key):
    (found,) = problems(document, {key: 16**5000})
    assert found.code == "E013"
    assert ".".join(map(str, found.path)) == key
    assert found.message.startswith("integers must be between -9223372036854775807")
