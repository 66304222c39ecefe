"""What Taplo makes of specs: right ones pass, and a fault is marked in its own line."""

from __future__ import annotations

from pathlib import Path

import pytest

from declnet import SpecError, load_spec

from .taplo import check

SPECS = Path(__file__).parents[3] / "specs"
SHIPPED = sorted(SPECS.rglob("*.toml"))

SPEC = """\
declnet = 1
seed = 0

[data]
train = { type = "nnfs_spiral", samples = 100, classes = 3 }
validation = 0.1

[model]
dtype = "float64"

[[model.layers]]
type = "dense"
units = 64
weight_initializer = { type = "normal", std = 0.01 }
weight_regularizer = { type = "l2", strength = 5e-4 }

[[model.layers]]
type = "reshape"
shape = [8, 8]

[[model.layers]]
type = "flatten"

[[model.layers]]
type = "dense"
units = 3

[[model.layers]]
type = "softmax"

[loss]
type = "categorical_crossentropy"

[optimizer]
type = "adam"
learning_rate = { type = "warmup", steps = 5, schedule = 0.02 }

[training]
epochs = 10
metrics = ["accuracy"]
"""

BROKEN = {
    "a string for a number": ("units = 64", 'units = "64"'),
    "a number that is not whole": ("epochs = 10", "epochs = 1.5"),
    "no number": ("seed = 0", "seed = nan"),
    "below the range": ("units = 64", "units = 0"),
    "outside an open range": ("validation = 0.1", "validation = 1.0"),
    "an unknown key at the top": ("seed = 0", "sede = 0"),
    "an unknown key of a section": ("epochs = 10", "epochs = 10\nepoch = 10"),
    "an unknown key of a layer": ("units = 64", "units = 64\nunit = 64"),
    "an unknown type of layer": ('type = "reshape"', 'type = "reshpae"'),
    "an unknown type of loss": ('"categorical_crossentropy"', '"crossentropy"'),
    "a type of another kind": ('type = "adam"', 'type = "relu"'),
    "a table for a type": ('type = "adam"', "type = { name = 1 }"),
    "no choice": ('dtype = "float64"', 'dtype = "float16"'),
    "a wrong nested key": ("strength = 5e-4", "strength = 5e-4, strenght = 1"),
    "a wrong nested number": ("strength = 5e-4", "strength = -5e-4"),
    "a wrong nested type": ('type = "l2"', 'type = "l3"'),
    "a nested key too few": ('type = "l2", strength = 5e-4', 'type = "l2"'),
    "no type": ('type = "normal", std', "std"),
    "a number for a component": ('{ type = "normal", std = 0.01 }', "0.01"),
    "a string that is no schedule": ("schedule = 0.02", 'schedule = "fast"'),
    "a boolean for a number or schedule": ("schedule = 0.02", "schedule = true"),
    "a rate below 0": ("schedule = 0.02", "schedule = -0.02"),
    "a bad bare name": ('metrics = ["accuracy"]', 'metrics = ["acuracy"]'),
    "a number for a list": ("shape = [8, 8]", "shape = 64"),
    "an item of a wrong type": ("shape = [8, 8]", 'shape = [8, "8"]'),
    "an empty list": ("shape = [8, 8]", "shape = []"),
    "a newer format": ("declnet = 1", "declnet = 2"),
    "a base that is no name": ("declnet = 1", "declnet = 1\nextends = [1]"),
}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_specs_pass(file, schema_file):
    assert check(file, schema=schema_file) == []


def test_the_spec_of_these_tests_is_right(schema_file, toml_file):
    file = toml_file(SPEC)
    load_spec(file)
    assert check(file, schema=schema_file) == []


@pytest.mark.parametrize(("right", "wrong"), BROKEN.values(), ids=BROKEN)
def test_faults_are_marked_in_their_line_alone(right, wrong, schema_file, toml_file):
    assert SPEC.count(right) == 1
    text = SPEC.replace(right, wrong)
    file = toml_file(text)
    faulty = text[: text.index(wrong) + len(wrong)].count("\n") + 1
    assert {mark.line for mark in check(file, schema=schema_file)} == {faulty}
    with pytest.raises(SpecError):
        load_spec(file)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('units = "64"', '"64" is not of type "integer"'),
        ("units = 64\nunit = 64", "unknown key; keys here: type, name, inputs, units, "),
        ("units = 0", "0 is less than the minimum of 1"),
    ],
)
def test_messages_say_what_is_wrong(wrong, message, schema_file, toml_file):
    file = toml_file(SPEC.replace("units = 64", wrong))
    [mark] = check(file, schema=schema_file)
    assert message in mark.message


def test_an_empty_list_of_layers(schema_file, toml_file):
    before, _, rest = SPEC.partition("[[model.layers]]")
    after = rest[rest.index("[loss]") :]
    file = toml_file(f"{before}layers = []\n\n{after}")
    [mark] = check(file, schema=schema_file)
    assert mark == (before.count("\n") + 1, "[] has less than 1 item")


@pytest.mark.parametrize("key", ["units", "type"])
def test_a_missing_key_is_told_at_its_table(key, schema_file, toml_file):
    line = {"units": "units = 64\n", "type": 'type = "dense"\n'}[key]
    file = toml_file(SPEC.replace(line, "", 1))
    marks = check(file, schema=schema_file)
    assert {mark.message for mark in marks} == {f'"{key}" is a required property'}
    assert marks[0].line == SPEC[: SPEC.index("[[model.layers]]")].count("\n") + 1


@pytest.mark.parametrize("section", ["loss", "optimizer", "training", "declnet"])
def test_a_missing_section_is_told(section, schema_file, toml_file):
    text = SPEC.replace(f"[{section}]", "[data.test]").replace("declnet = 1", f"# {section}")
    messages = {mark.message for mark in check(toml_file(text), schema=schema_file)}
    assert f'"{section}" is a required property' in messages


@pytest.mark.parametrize(
    "change",
    [
        "",
        "[optimizer]\ndecay = 0.1",
        "[optimizer]\nlearning_rate = { initial_rate = 3 }",
        '[optimizer]\ntype = "adam"\nlearning_rate = { type = "warmup", schedule = { steps = 3 } }',
        "[training]\nlog_every = 3",
        "[data]\ntest = { samples = 3 }",
        '[model]\ndtype = "float32"',
        'loss = "hinge"',
    ],
)
@pytest.mark.parametrize("base", ['"base.toml"', '["a.toml", "b.toml"]'])
def test_a_spec_that_extends_another_may_have_parts(base, change, schema_file, toml_file):
    assert check(toml_file(f"extends = {base}\n{change}\n"), schema=schema_file) == []


@pytest.mark.parametrize(
    "change",
    [
        "[optimizer]\ndecya = 0.1",
        "[optimizer]\ntype = 'adam'\nmomentum = 0.1",
        "[optimizer]\ntype = 'adam'\nbeta_1 = 3",
        "[optimizer]\nlearning_rate = {}\ntype = 'adma'",
        "[training]\nepochs = 0",
        "[model]\nlayers = [{ type = 'dense' }]",
        "[model]\nlayers = []",
        "los = 'hinge'",
    ],
)
def test_what_it_has_must_be_right_all_the_same(change, schema_file, toml_file):
    text = f'extends = "base.toml"\n{change}'
    marks = check(toml_file(text), schema=schema_file)
    assert {mark.line for mark in marks} == {text.count("\n") + 1}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_specs_name_the_shipped_schema(file, tmp_path):
    """As an editor sees them: nothing is said but by the file."""
    place = tmp_path / file.relative_to(SPECS)
    place.parent.mkdir(exist_ok=True)
    (tmp_path / "spec.schema.json").write_bytes((SPECS / "spec.schema.json").read_bytes())
    text = file.read_text("utf-8")
    place.write_text(text, encoding="utf-8")
    assert check(place) == []
    place.write_text(text.replace("epochs", "epoch"), encoding="utf-8")
    assert any("unknown key" in mark.message for mark in check(place))
