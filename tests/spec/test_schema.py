"""The schema as a document, and Taplo's checks of specs: errors are marked on their line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tomli_w
from pydantic import BaseModel, Field

from declnet import Component, Layer, Registry, Regularizer, SpecError, default_registry, load_spec
from declnet.registry.plugin import Plugin
from declnet.spec.schema import json_schema, union

from .taplo import check

SPECS = Path(__file__).parents[2] / "specs"
SHIPPED = SPECS / "spec.schema.json"


class Cut(BaseModel):
    """Where it ends."""

    at: float
    then: Cut | None = None


class Wavelet(Component):
    """A contract of a stranger's own."""

    kind = "wavelet"


class Haar(Wavelet):
    """psi = 1, then -1."""

    type = "haar"


class Ripple(Layer):
    """y = x @ ripples.

    With much more to say.
    """

    type = "ripple/é"

    wavelet: Wavelet = Field(default=Haar(), description="what it is made of")
    cut: Cut | None = None
    sizes: tuple[int, int] = (1, 2)
    each: dict[str, float] = Field(default_factory=dict)
    either: int | str | Regularizer = 3
    called: Callable[[int], int] | None = None

    def forward(self, x, y, state):
        y[...] = x

    def backward(self, x, y, dy, dx, state):
        dx[...] = dy


@pytest.fixture
def extended(own_registry):
    registry = Registry()
    for entry in own_registry.entries():
        registry.register(entry.component, entry.plugin)
    plugin = Plugin("ripples", "declnet-ripples", "1.0")
    registry.register(Ripple, plugin)
    registry.register(Haar, plugin)
    return json_schema(registry)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_shipped_schema_is_up_to_date(schema):
    """If not: declnet schema -o specs/spec.schema.json, with no other plugins installed."""
    assert json.loads(SHIPPED.read_text("utf-8")) == schema


def test_every_component_that_a_spec_can_name_has_one_definition(schema, own_registry):
    for entry in own_registry.entries():
        name = f"{entry.kind}.{entry.type}"
        if entry.kind in ("kernel", "template", "report_panel"):  # no spec names one
            assert name not in schema["definitions"]
            continue
        table = schema["definitions"][name]
        assert table["properties"]["type"] == {"const": entry.type}
        assert set(table["properties"]) == {"type", *entry.component.model_fields}
        assert table["description"] in " ".join((entry.component.__doc__ or "").split())
        assert entry.type in schema["definitions"][f"{entry.kind}-types"]["enum"]


def test_fields_refer_to_kinds_and_inline_nothing(schema):
    initializer = schema["definitions"]["layer.dense"]["properties"]["weight_initializer"]
    assert initializer == {
        "description": "initial weights",
        "default": "glorot_uniform",
        "allOf": [{"$ref": "#/definitions/initializer"}],
    }
    held = schema["definitions"]["schedule.warmup"]["properties"]["schedule"]
    assert list(references(held)) == ["#/definitions/schedule"]
    assert len(json.dumps(schema)) < 300_000


def test_fields_have_descriptions_defaults_ranges_and_choices(schema):
    definitions = schema["definitions"]
    assert definitions["layer.dropout"]["properties"]["rate"] == {
        "description": "the fraction that is set to zero",
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
    }
    assert definitions["optimizer.adam"]["properties"]["beta_1"]["default"] == 0.9
    assert definitions["layer.gelu"]["properties"]["approximation"]["enum"] == ["none", "tanh"]
    assert definitions["layer.dense"]["examples"][0] == {"type": "dense", "units": 3}


def test_every_reference_leads_somewhere(schema, extended):
    for document in (schema, extended):
        names = {f"#/definitions/{name}" for name in document["definitions"]}
        assert set(references(document)) <= names
        assert names - set(references(document)) == set()


def test_examples_of_all_components_are_right(own_registry, schema_file, tmp_path):
    files = []
    for number, entry in enumerate(own_registry.entries()):
        for example in entry.component.examples:
            places = {
                "layer": ("model", {"layers": [{"type": entry.type, **example}]}),
                "metric": ("training", {"metrics": [{"type": entry.type, **example}]}),
                "data_source": ("data", {"train": {"type": entry.type, **example}}),
                "loss": ("loss", {"type": entry.type, **example}),
                "optimizer": ("optimizer", {"type": entry.type, **example}),
                "schedule": ("optimizer", {"learning_rate": {"type": entry.type, **example}}),
            }
            if entry.kind in places:
                key, table = places[entry.kind]
                files.append(tmp_path / f"{number}_{len(files)}.toml")
                files[-1].write_text(tomli_w.dumps({"extends": "base.toml", key: table}))
    assert len(files) > 50
    assert check(*files, schema=schema_file) == []


def test_a_json_spec_may_name_the_schema(schema_file, toml_file):
    document = json.loads((SPECS / "vertical_sgd.json").read_text("utf-8"))
    assert document["$schema"] == "./spec.schema.json"
    assert check(toml_file(tomli_w.dumps(document)), schema=schema_file) == []


def test_a_kind_without_components_takes_none(own_registry, tmp_path, toml_file):
    registry = Registry()
    for entry in own_registry.entries():
        if entry.kind != "callback":
            registry.register(entry.component, entry.plugin)
    schema = json_schema(registry)
    assert schema["definitions"]["callback-types"]["enum"] == []
    schema_file = tmp_path / "schema.json"
    schema_file.write_text(json.dumps(schema), encoding="utf-8")
    extends = 'extends = "base.toml"\n[training]\n'
    assert check(toml_file(f"{extends}callbacks = []"), schema=schema_file) == []
    [mark] = check(toml_file(f'{extends}callbacks = ["any"]'), schema=schema_file)
    assert mark.line == 3


def test_a_strangers_components_are_in_it(extended):
    definitions = extended["definitions"]
    assert "ripple/é" in definitions["layer-types"]["enum"]
    assert definitions["layer.ripple__"]["description"] == "y = x @ ripples. (declnet-ripples)"
    assert definitions["wavelet-types"] == {
        "enum": ["haar"],
        "enumDescriptions": ["psi = 1, then -1. (declnet-ripples)"],
    }


@pytest.mark.parametrize(
    ("fields", "right"),
    [
        ("", True),
        ('wavelet = "haar"', True),
        ('wavelet = { type = "haar" }', True),
        ('wavelet = "harr"', False),
        ("cut = { at = 1, then = { at = 2.5 } }", True),
        ('cut = { at = 1, then = { at = "2" } }', False),
        ("sizes = [1, 2]", True),
        ("sizes = [1, 2, 3]", False),
        ('sizes = [1, "2"]', False),
        ("each = { a = 1, b = 2 }", True),
        ('each = { a = 1, b = "2" }', False),
        ("either = 3", True),
        ('either = "three"', True),
        ("either = true", False),
        ("called = 3", True),
        ("caled = 3", False),
    ],
)
def test_a_strangers_fields_are_checked(fields, right, extended, toml_file, tmp_path):
    file = tmp_path / "extended.json"
    file.write_text(json.dumps(extended), encoding="utf-8")
    text = f'extends = "base.toml"\n\n[[model.layers]]\ntype = "ripple/é"\n{fields}\n'
    marks = check(toml_file(text), schema=file)
    assert {mark.line for mark in marks} == (set() if right else {5})


def test_one_component_without_a_schema_costs_no_other():
    class Odd(Regularizer):
        """Cannot be described."""

        type = "odd"
        examples: ClassVar = ({"any": object()},)

        @classmethod
        def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
            raise NotImplementedError

        def penalty(self, w):
            return 0.0

        def add_gradient(self, w, dw):
            pass

    registry = Registry()
    registry.register(Odd)
    registry.register(default_registry().find("layer", "dense"))
    definitions = json_schema(registry)["definitions"]
    assert definitions["regularizer-types"]["enum"] == ["odd"]
    assert definitions["regularizer.odd"]["type"] == "object"
    assert "units" in definitions["layer.dense"]["properties"]


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


@pytest.mark.parametrize("file", sorted(SPECS.rglob("*.toml")), ids=lambda file: file.stem)
def test_shipped_specs_pass(file, schema_file):
    assert check(file, schema=schema_file) == []


def test_the_spec_of_these_tests_is_right(schema_file, toml_file):
    file = toml_file(SPEC)
    load_spec(file)
    assert check(file, schema=schema_file) == []


@pytest.mark.parametrize(("right", "wrong"), BROKEN.values(), ids=BROKEN)
def test_errors_are_marked_in_their_line_alone(right, wrong, schema_file, toml_file):
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
def test_a_missing_key_is_reported_at_its_table(key, schema_file, toml_file):
    line = {"units": "units = 64\n", "type": 'type = "dense"\n'}[key]
    file = toml_file(SPEC.replace(line, "", 1))
    marks = check(file, schema=schema_file)
    assert {mark.message for mark in marks} == {f'"{key}" is a required property'}
    assert marks[0].line == SPEC[: SPEC.index("[[model.layers]]")].count("\n") + 1


@pytest.mark.parametrize("section", ["loss", "optimizer", "training", "declnet"])
def test_a_missing_section_is_reported(section, schema_file, toml_file):
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


@pytest.mark.parametrize("file", sorted(SPECS.rglob("*.toml")), ids=lambda file: file.stem)
def test_shipped_specs_name_the_shipped_schema(file, tmp_path):
    """As an editor sees them: nothing is said but by the file."""
    place = tmp_path / file.relative_to(SPECS)
    place.parent.mkdir(exist_ok=True)
    (tmp_path / "spec.schema.json").write_bytes(SHIPPED.read_bytes())
    text = file.read_text("utf-8")
    place.write_text(text, encoding="utf-8")
    assert check(place) == []
    place.write_text(text.replace("epochs", "epoch"), encoding="utf-8")
    assert any("unknown key" in mark.message for mark in check(place))


WORD = {"enum": ["same", "valid"]}
NUMBER = {"type": "integer", "minimum": 1}
PAIR = {"type": "array", "items": NUMBER}


def test_the_type_of_a_value_chooses_its_branch():
    assert union([WORD, NUMBER, PAIR]) == {
        "type": ["string", "integer", "array"],
        "if": {"type": "string"},
        "then": WORD,
        "else": {
            "if": {"type": "integer"},
            "then": NUMBER,
            "else": {"if": {"type": "array"}, "then": PAIR},
        },
    }


def test_branches_that_share_a_type_stay_a_union():
    assert union([NUMBER, {"type": "number"}]) == {"anyOf": [NUMBER, {"type": "number"}]}
    assert union([WORD, {"type": ["string", "object"]}])["anyOf"][0] == WORD


def test_a_branch_of_unknown_type_keeps_the_union():
    assert "anyOf" in union([NUMBER, {"$ref": "#/definitions/a"}])
    assert "anyOf" in union([NUMBER, {"enum": ["a", None]}])
