from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from declnet import SpecError, load_spec, parse_spec


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


def test_the_name_is_the_files_stem_by_default(document, spec_file):
    del document["name"]
    assert load_spec(spec_file(document, "my run.json")).name == "my run"


@pytest.mark.parametrize("name", [".hidden.json", "x" * 150 + ".json"])
def test_any_file_name_makes_a_valid_default_name(document, spec_file, name):
    del document["name"]
    assert load_spec(spec_file(document, name)).name


def test_overrides_apply_before_validation(document, spec_file):
    path = spec_file({**document, "optimizer": {"type": "sgd", "learning_rate": "wrong"}})
    overrides = {"optimizer.learning_rate": 0.5, "model.layers.0.units": 9}
    spec = load_spec(path, overrides)
    assert spec.optimizer.learning_rate == 0.5
    assert spec.model.layers[0].units == 9


def test_relative_paths_are_relative_to_the_file(document, spec_file, tmp_path):
    document["data"]["train"]["path"] = "data.npz"
    document["model"]["initial_weights"] = "sub/w.safetensors"
    spec = load_spec(spec_file(document))
    assert spec.data.train.path == tmp_path / "data.npz"
    assert spec.model.initial_weights == tmp_path / "sub" / "w.safetensors"


def test_absolute_paths_stay(document, spec_file):
    document["data"]["train"]["path"] = "/somewhere/data.npz"
    assert load_spec(spec_file(document)).data.train.path == Path("/somewhere/data.npz")


def test_relative_paths_of_a_document_are_relative_to_the_folder_that_is_named(document):
    document["data"]["train"]["path"] = "data.npz"
    spec = parse_spec(document, folder=Path("/elsewhere"))
    assert spec.data.train.path == Path("/elsewhere/data.npz")


def test_instances_of_components_may_stand_where_tables_may(document):
    spec = parse_spec(document)
    again = parse_spec({**document, "loss": spec.loss, "optimizer": spec.optimizer})
    assert again == spec


def test_specs_are_frozen_all_through(document):
    spec = parse_spec(document)
    for part, name in [(spec, "seed"), (spec.training, "epochs"), (spec.model.layers[0], "units")]:
        with pytest.raises(ValueError, match="frozen"):
            setattr(part, name, 7)
    assert isinstance(spec.model.layers, tuple)


def test_errors_name_the_file(document, spec_file):
    path = spec_file({**document, "seed": -1})
    with pytest.raises(SpecError, match=f"^{path}: 1 problem"):
        load_spec(path)


def test_sections_that_are_right_by_themselves_come_with_the_error(document):
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "loss": "nonsense"})
    assert set(caught.value.sections) == set(document) - {"loss"}
