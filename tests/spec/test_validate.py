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


def test_instances_of_components_may_replace_tables(document):
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


def test_a_key_that_is_given_twice_is_reported_with_all_other_errors(spec_file):
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


def test_specs_are_equal_by_what_they_say(document, spec_file):
    one, other = load_spec(spec_file(document)), parse_spec(document)
    assert one == other
    assert hash(one) == hash(other)
    assert one != parse_spec({**document, "seed": 2})


def test_an_invalid_spec_has_its_valid_parts(document, spec_file):
    parsed = read_spec(spec_file({**document, "loss": "nonsense"}))
    assert parsed.spec is None
    assert [each.path for each in parsed.diagnostics] == [("loss",)]
    assert parsed.partial.loss is None
    assert parsed.partial.optimizer.type == "sgd"
    assert len(parsed.partial.layers) == 4


def test_a_document_that_is_too_deep_is_refused(document):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SpecError) as caught:
        parse_spec({**document, "name": deep})
    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == ("E004", None)


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
def test_misspelled_keys_are_found_at_every_level(problems, document, key, value, expected):
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
def test_a_missing_field_is_named_also_for_a_bare_name(
    problems, document, key, value, missing, hint
):
    found = problems(document, {key: value})
    assert [".".join(map(str, each.path)) for each in found] == missing
    for each in found:
        assert (each.code, each.message) == ("E011", f'"{each.path[-1]}" is missing')
        assert each.help.startswith(hint)


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


def test_a_metric_listed_twice_is_refused_at_the_second(problems, document):
    document["training"]["metrics"] = ["accuracy", {"type": "accuracy"}]
    (found,) = problems(document)
    assert (found.path, found.code) == (("training", "metrics", 1), "E019")
    assert found.message == 'two metrics are called "accuracy"'
    assert "name = " in found.help


def test_a_metric_called_as_a_column_of_the_history_is_refused(problems, document):
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


def test_what_has_no_file_has_no_place_and_is_reported_by_its_key(problems, document):
    (found,) = problems(document, {"training.epochs": 0})
    assert found.place is None
    assert str(found) == 'training.epochs: error[E013]: "epochs" must be at least 1, not 0'


@pytest.mark.parametrize(
    ("key", "value", "code", "expected"),
    [
        ("training.epochs", "10", "E012", 'must be a whole number, not "10"'),
        ("training.epochs", True, "E012", "must be a whole number, not true"),
        ("training.epochs", None, "E012", "must be a whole number, not null"),
        ("training.epochs", 10.0, "E012", "must be a whole number, not 10.0"),
        ("training.epochs", 0, "E013", "must be at least 1, not 0"),
        ("training.log_every", 0, "E013", "must be at least 1, not 0"),
        ("training.batch_size", -1, "E013", "must be at least 1, not -1"),
        ("training.clip_norm", 0, "E013", "must be greater than 0, not 0"),
        ("training.shuffle", 1, "E012", "must be true or false, not 1"),
        ("training.metrics", "accuracy", "E012", 'must be a list, not "accuracy"'),
        ("training", 3, "E012", "must be a table, not 3"),
        ("seed", -1, "E013", "must be at least 0, not -1"),
        ("seed", 2**53 + 1, "E013", "must be at most 9007199254740992, not 9007199254740993"),
        ("name", "a/b", "E014", "must serve as a folder's name"),
        ("name", 3, "E012", "must be a string, not 3"),
        ("name", "", "E014", "must serve as a folder's name"),
        ("declnet", 2, "E007", "must be 1"),
        ("declnet", True, "E012", "must be a whole number, not true"),
        ("declnet", 1.0, "E012", "must be a whole number, not 1.0"),
        ("model.dtype", "float16", "E014", 'must be "float32" or "float64", not "float16"'),
        ("model.layers", [], "E018", "must have at least 1 item"),
        ("model.layers", {"type": "dense"}, "E012", "must be a list"),
        ("model.layers.0.units", 0, "E013", "must be at least 1, not 0"),
        ("model.layers.0.inputs", "input", "E012", 'must be a list, not "input"'),
        ("model.layers.0.inputs", [], "E018", "must have at least 1 item"),
        ("model.layers.0.name", "a.b", "E014", "must "),
        ("optimizer.learning_rate", "0.5", "E012", "must be a number"),
        ("optimizer.learning_rate", True, "E012", "must be a number, or a schedule"),
        ("optimizer.learning_rate", float("nan"), "E013", "must be at least 0 and finite, not nan"),
        ("optimizer.learning_rate", float("inf"), "E013", "must be at least 0 and finite, not inf"),
        ("optimizer.learning_rate", -0.1, "E013", "must be at least 0 and finite, not -0.1"),
        ("optimizer.decay", float("nan"), "E013", "must be finite"),
        ("optimizer.decay", "0.5", "E012", 'must be a number, not "0.5"'),
        ("optimizer.momentum", 1, "E013", "must be less than 1, not 1"),
        ("data.validation", 1.0, "E013", "must be greater than 0 and less than 1, not 1"),
        ("data.validation", 0, "E013", "must be greater than 0 and less than 1, not 0"),
        ("data.train.path", 3, "E012", "must be a path, not 3"),
    ],
)
def test_wrong_values_are_reported_at_their_key_and_with_what_was_found(
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
        ("training.epochs", "10", "remove the quotation marks"),
        ("training.shuffle", "true", "remove the quotation marks"),
        ("optimizer.decay", "5e-7", "remove the quotation marks"),
        ("optimizer.decay", "small", None),
        ("training.epochs", 10.0, "write 10"),
        ("training.epochs", 10.5, None),
        ("name", 3, "put it in quotation marks"),
        ("training.metrics", "accuracy", "put it in brackets: [ … ]"),
        ("model.layers", {"type": "dense"}, "put it in brackets: [ … ], or as a section: [[ … ]]"),
        (
            "training",
            [{"epochs": 5}],
            "remove a pair of brackets: it is one table, no list of them",
        ),
        ("model.layers", 3, None),
    ],
)
def test_what_to_do_is_said_where_the_value_tells_it(problems, document, key, value, hint):
    (found,) = problems(document, {key: value})
    assert found.help == hint


@pytest.mark.parametrize("key", ["optimizer.learning_rate", "seed", "training.epochs"])
@pytest.mark.parametrize("value", [10**400, -(2**63) - 5, 16**5000], ids=lambda value: "")
def test_a_number_of_more_than_64_bits_is_one_error(problems, document, key, value):
    (found,) = problems(document, {key: value})
    assert found.code == "E013"
    assert ".".join(map(str, found.path)) == key
    assert found.message.startswith("whole numbers are at most 9223372036854775807")


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


TOP = "it belongs at the top of the spec, outside all sections"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("epochs", "it belongs in [training]"),
        ("optimizer.epochs", "it belongs in [training]"),
        ("training.layers", "it belongs in [model]"),
        ("training.train", "it belongs in [data]"),
        ("train", "it belongs in [data]"),
        ("training.seed", TOP),
        ("model.loss", TOP),
        ("training.nonsense", "keys here: batch_size, "),
        ("model.layers.0.epochs", "keys of dense: "),
        ("data.train.seed", "keys of npz: "),
        ("extends", "only spec files extend others; read it with load_spec"),
    ],
)
def test_the_right_place_of_a_misplaced_key_is_named(problems, document, key, hint):
    (found,) = problems(document, {key: 1})
    assert (found.code, found.focus) == ("E010", "key")
    assert found.help.startswith(hint)
