from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w

from declnet import SpecError, load_spec, parse_spec
from declnet.spec.load import read_spec


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


def test_errors_name_file_line_and_column(document, spec_file):
    path = spec_file({**document, "seed": -1})
    column = path.read_text().index('"seed": -1') + len('"seed": ') + 1
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert str(caught.value) == (
        f'{path}:1:{column}: error[E013]: "seed" must be at least 0, not -1'
    )


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


def test_a_file_must_say_its_version_and_a_program_need_not(document, spec_file):
    del document["declnet"]
    assert parse_spec(document).declnet == 1
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file(document))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("E007", ("declnet",))
    assert (problem.place.line, problem.place.column) == (1, 1)
    assert '"declnet": 1' in problem.help


def test_a_key_that_stands_twice_is_told_with_all_other_faults(spec_file):
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


def test_one_key_has_one_fault(document, spec_file):
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file({**document, "declnet": True, "seed": 2**70}))
    assert sorted(each.code for each in caught.value.problems) == ["E007", "E013"]


def test_a_spec_knows_where_it_is_written(document, spec_file, tmp_path):
    spec = load_spec(spec_file(tomli_w.dumps(document), "spec.toml"), {"training.epochs": 9})
    place = spec.written.place_of(("model", "layers", 2, "units"))
    assert (place.file, place.text[place.column - 1 : place.end_column - 1]) == (
        str(tmp_path / "spec.toml"),
        "3",
    )
    assert str(spec.written.exact_place(("training", "epochs"))) == "--set:1:17"
    assert spec.written.exact_place(("training", "shuffle")) is None


def test_specs_are_equal_by_what_they_say(document, spec_file):
    one, other = load_spec(spec_file(document)), parse_spec(document)
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse_spec({**document, "seed": 2})


def test_a_reading_of_a_wrong_spec_has_its_right_parts(document, spec_file):
    reading = read_spec(spec_file({**document, "loss": "nonsense"}))
    assert reading.spec is None
    assert [each.path for each in reading.problems] == [("loss",)]
    assert reading.parts.loss is None
    assert reading.parts.optimizer.type == "sgd"
    assert len(reading.parts.layers) == 4


def test_a_document_that_is_too_deep_is_refused(document):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "name": deep})
    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == ("E004", None)
