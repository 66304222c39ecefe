"""The schema as a document: what is in it, and what is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tomli_w
from pydantic import BaseModel, Field

from declnet import Component, Layer, Registry, Regularizer, default_registry
from declnet.registry.plugin import Plugin
from declnet.spec.schema.document import json_schema

from .taplo import check

SHIPPED = Path(__file__).parents[3] / "specs" / "spec.schema.json"


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
        if entry.kind in ("kernel", "template"):  # no spec names one
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
        "description": "values that weights start with",
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
    document = json.loads((SHIPPED.parent / "vertical_sgd.json").read_text("utf-8"))
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
