"""Validation of files and documents, which reports every error at its key path in one pass."""

from __future__ import annotations

import copy

import pytest
import tomli_w

from declnet import SpecError, load_spec, parse_spec


def test_toml_and_json_give_the_same_spec(document, spec_file):
    toml = spec_file(tomli_w.dumps(document), "spec.toml")
    assert load_spec(toml) == load_spec(spec_file(document))


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
    layer = parse_spec(variable, overrides={"variables.units": 9}).model.layers[0]
    assert layer.units == 9
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


def test_paths_and_mappings_are_distinguished(document, spec_file):
    with pytest.raises(SpecError, match=r"a spec must be a mapping, not str .*declnet\.load_spec"):
        parse_spec(str(spec_file(document)))
    with pytest.raises(SpecError, match=r"or a Path, not dict .*declnet\.parse_spec"):
        load_spec(document)


def test_specs_are_deeply_frozen(document):
    spec = parse_spec(document)
    for part, name in [(spec, "seed"), (spec.training, "epochs"), (spec.model.layers[0], "units")]:
        with pytest.raises(ValueError, match="frozen"):
            setattr(part, name, 7)
    assert isinstance(spec.model.layers, tuple)


def test_a_metric_named_like_a_column_of_the_history_is_refused(problems, document):
    document["training"]["metrics"] = [{"type": "accuracy", "name": "loss"}]
    (problem,) = problems(document)
    assert (problem.path, problem.code) == (("training", "metrics", 0), "E019")
    assert problem.message == 'a metric cannot be named "loss", a column of the history'
