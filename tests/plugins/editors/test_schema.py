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
from declnet_plugins.editors.schema import json_schema

from .taplo import Mark, check

SPECS = Path(__file__).parents[3] / "specs"
SHIPPED = SPECS / "spec.schema.json"


class Cut(BaseModel):
    """Where it ends."""

    at: float
    then: Cut | None = None


class Wavelet(Component):
    """A third-party contract."""

    kind = "wavelet"


class Haar(Wavelet):
    """psi = 1, then -1."""

    type = "haar"


class Ripple(Layer):
    """y = x @ ripples.

    With much more to say.
    """

    type = "ripple/é"

    wavelet: Wavelet = Field(default=Haar(), description="the wavelet")
    cut: Cut | None = None
    sizes: tuple[int, int] = (1, 2)
    each: dict[str, float] = Field(default_factory=dict)
    either: int | str | Regularizer = 3
    called: Callable[[int], int] | None = None

    def forward(self, x, y, state): ...

    def backward(self, x, y, dy, dx, state): ...


def copied(entries) -> Registry:
    registry = Registry()
    for entry in entries:
        registry.register(entry.component, entry.plugin)
    return registry


@pytest.fixture(scope="module")
def extended(own_registry):
    registry, plugin = copied(own_registry.entries()), Plugin("ripples", "declnet-ripples", "1.0")
    registry.register(Ripple, plugin)
    registry.register(Haar, plugin)
    return json_schema(registry)


@pytest.fixture(scope="module")
def marks_in(tmp_path_factory, schema):
    """Check texts in one run of Taplo; return the marks in each."""

    def find(texts, schema=schema) -> list[list[Mark]]:
        folder = tmp_path_factory.mktemp("texts")
        (folder / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
        files = [folder / f"{number}.toml" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        marks = check(*files, schema=folder / "schema.json")
        return [[mark for mark in marks if mark.file == file.name] for file in files]

    return find


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_shipped_schema_is_up_to_date(schema):
    """If not: declnet schema -o specs/spec.schema.json, with no other plugins installed."""
    assert json.loads(SHIPPED.read_text("utf-8")) == schema


def test_every_reference_leads_somewhere(schema, extended):
    for document in (schema, extended):
        names = {f"#/definitions/{name}" for name in document["definitions"]}
        assert set(references(document)) <= names
        assert names - set(references(document)) == set()


def test_examples_of_all_components_are_valid(own_registry, schema_file, tmp_path):
    files = []
    for number, entry in enumerate(own_registry.entries()):
        for example in entry.component.examples:
            component = {"type": entry.type, **example}
            places = {
                "layer": ("model", {"layers": [component]}),
                "metric": ("training", {"metrics": [component]}),
                "data_source": ("data", {"train": component}),
                "loss": ("loss", component),
                "optimizer": ("optimizer", component),
                "schedule": ("optimizer", {"learning_rate": component}),
            }
            if entry.kind == "preset":
                extends, key, table = f"preset:{entry.type}", "preset", example
            elif entry.kind in places:
                extends, (key, table) = "base.toml", places[entry.kind]
            else:
                continue
            files.append(tmp_path / f"{number}_{len(files)}.toml")
            files[-1].write_text(tomli_w.dumps({"extends": extends, key: table}))
    assert len(files) > 50
    assert check(*files, schema=schema_file) == []


VALID_FIELDS = [
    "",
    'wavelet = "haar"',
    'wavelet = { type = "haar" }',
    "cut = { at = 1, then = { at = 2.5 } }",
    "sizes = [1, 2]",
    "each = { a = 1, b = 2 }",
    "either = 3",
    'either = "three"',
    "called = 3",
]
WRONG_FIELDS = [
    'wavelet = "harr"',
    'cut = { at = 1, then = { at = "2" } }',
    "sizes = [1, 2, 3]",
    'sizes = [1, "2"]',
    'each = { a = 1, b = "2" }',
    "either = true",
    "caled = 3",
]


def test_third_party_fields_are_checked(extended, marks_in):
    before = 'extends = "base.toml"\n\n[[model.layers]]\ntype = "ripple/é"\n'
    marks = marks_in([before + line for line in VALID_FIELDS + WRONG_FIELDS], extended)
    assert marks[: len(VALID_FIELDS)] == [[]] * len(VALID_FIELDS)
    for field, places in zip(WRONG_FIELDS, marks[len(VALID_FIELDS) :], strict=True):
        assert {mark.line for mark in places} == {5}, field


def test_keys_of_earlier_versions_are_accepted_but_not_offered(own_registry, marks_in):
    class Base(Layer):
        removed_fields: ClassVar[dict[str, str]] = {"use_bias": "remove it"}

    class Grown(Base):
        type = "grown"
        renamed_fields: ClassVar[dict[str, str]] = {"n_hidden": "units"}
        units: int

        def forward(self, x, y, state): ...

        def backward(self, x, y, dy, dx, state): ...

    registry = copied(own_registry.entries())
    registry.register(Grown, Plugin("grown", "declnet-grown", "1.0"))
    schema = json_schema(registry)
    before = 'extends = "base.toml"\n\n[[model.layers]]\ntype = "grown"\n'
    keys = "n_hidden = 3\nuse_bias = 1", 'n_hidden = "three"'
    accepted, refused = marks_in([before + line for line in keys], schema)
    assert (accepted, [mark.line for mark in refused]) == ([], [5])
    keys = schema["definitions"]["layer.grown"]["properties"]
    assert [key for key in keys if keys[key].get("deprecated")] == ["n_hidden", "use_bias"]
    assert keys["n_hidden"]["description"] == '"n_hidden" was renamed to "units"'
    offered = schema["definitions"]["completion-layer"]["properties"]
    assert "grown" in offered["units"]["description"]
    assert "n_hidden" not in offered


def test_a_component_without_a_schema_affects_no_other():
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
type = "dropout"
rate = 0.25

[[model.layers]]
type = "dropout"
rate = { type = "flat_cosine", initial_rate = 0.3 }

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
    "below the range": ("units = 64", "units = 0"),
    "an unknown key at the top": ("seed = 0", "sede = 0"),
    "an unknown key of a layer": ("units = 64", "units = 64\nunit = 64"),
    "an unknown type of layer": ('type = "reshape"', 'type = "reshpae"'),
    "a type of another kind": ('type = "adam"', 'type = "relu"'),
    "no choice": ('dtype = "float64"', 'dtype = "float16"'),
    "a wrong nested type": ('type = "l2"', 'type = "l3"'),
    "a nested key too few": ('type = "l2", strength = 5e-4', 'type = "l2"'),
    "no type": ('type = "normal", std', "std"),
    "a number for a component": ('{ type = "normal", std = 0.01 }', "0.01"),
    "a string that is not a schedule": ("schedule = 0.02", 'schedule = "fast"'),
    "a boolean for a number or schedule": ("schedule = 0.02", "schedule = true"),
    "a scheduled number out of its range": ("rate = 0.25", "rate = 1.0"),
    "a wrong key of a schedule": ("initial_rate = 0.3", "initial_value = 0.3"),
    "a bad bare name": ('metrics = ["accuracy"]', 'metrics = ["acuracy"]'),
    "an empty list": ("shape = [8, 8]", "shape = []"),
    "a base that is not a name": ("declnet = 1", "declnet = 1\nextends = [1]"),
}


def test_every_value_may_be_a_variable_and_every_layer_a_block(marks_in):
    block = """[[model.layers]]
name = "trunk"
repeat = "${any}"
residual = "${any}"
layers = ["relu", "${any}", { repeat = 2, layers = ["tanh"] }, { layers = "${any}" }]
"""
    lines = [
        "seed = 0",
        "validation = 0.1",
        'dtype = "float64"',
        "units = 64",
        'weight_initializer = { type = "normal", std = 0.01 }',
        'type = "softmax"',
        "shape = [8, 8]",
        'metrics = ["accuracy"]',
        'learning_rate = { type = "warmup", steps = 5, schedule = 0.02 }',
    ]
    right = [SPEC.replace(line, f'{line.partition("=")[0]}= "${{any}}"') for line in lines]
    right.append(SPEC.replace("[8, 8]", '[8, "${any}"]').replace('["accuracy"]', '["${any}"]'))
    right.append(SPEC.replace("[[model.layers]]", f"{block}[[model.layers]]", 1))
    right = [text.replace("declnet = 1", "declnet = 1\nvariables = { any = 1 }") for text in right]
    wrong = {
        "repeat": '{ repeat = 0, layers = ["relu"] }',
        "layers": "{ repeat = 2, layers = [] }",
        "times": '{ times = 2, layers = ["relu"] }',
        "rellu": '{ layers = [{ layers = ["rellu"] }] }',
        "missing": "{ residual = true }",
    }
    before = 'extends = "base.toml"\n[model]\nlayers = [\n"relu",\n'
    marks = marks_in([*right, *(f"{before}{line},\n]" for line in wrong.values())])
    assert marks[: len(right)] == [[]] * len(right)
    for text, places in zip(wrong.values(), marks[len(right) :], strict=True):
        assert {mark.line for mark in places} == {5}, text


def test_each_error_is_marked_only_on_its_line(marks_in, spec_file):
    texts = []
    for right, wrong in BROKEN.values():
        assert SPEC.count(right) == 1
        texts.append(SPEC.replace(right, wrong))
        with pytest.raises(SpecError):
            load_spec(spec_file(texts[-1], "spec.toml"))
    right = [SPEC, SPEC.replace("epochs = 10", "max_steps = 10")]
    for text in right:
        load_spec(spec_file(text, "spec.toml"))
    *marks, first, second = marks_in([*texts, *right])
    assert first == second == []
    for (name, (_, wrong)), text, places in zip(BROKEN.items(), texts, marks, strict=True):
        line = text[: text.index(wrong) + len(wrong)].count("\n") + 1
        assert {mark.line for mark in places} == {line}, name


PARTS = [
    "",
    "[optimizer]\ndecay = 0.1",
    "[optimizer]\nlearning_rate = { initial_rate = 3 }",
    '[optimizer]\ntype = "adam"\nlearning_rate = { type = "warmup", schedule = { steps = 3 } }',
    "[training]\nlog_every = 3",
    "[data]\ntest = { samples = 3 }",
    'loss = "hinge"',
]
WRONG_PARTS = [
    "[optimizer]\ndecya = 0.1",
    "[optimizer]\ntype = 'adam'\nmomentum = 0.1",
    "[optimizer]\ntype = 'adam'\nbeta_1 = 3",
    "[optimizer]\nlearning_rate = {}\ntype = 'adma'",
    "[training]\nepochs = 0",
    "[model]\nlayers = [{ type = 'dense' }]",
    "[model]\nlayers = []",
    "los = 'hinge'",
]


def test_a_spec_that_extends_another_may_be_partial(marks_in):
    texts = [f'extends = ["a.toml", "b.toml"]\n{part}' for part in PARTS]
    texts += [f'extends = "base.toml"\n{part}' for part in WRONG_PARTS]
    marks = marks_in(texts)
    assert marks[: len(PARTS)] == [[]] * len(PARTS)
    for text, places in zip(texts[len(PARTS) :], marks[len(PARTS) :], strict=True):
        assert {mark.line for mark in places} == {text.count("\n") + 1}, text


def test_shipped_specs_name_the_shipped_schema(tmp_path):
    for path in [SHIPPED, *SPECS.rglob("*.toml")]:
        copy = tmp_path / path.relative_to(SPECS)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(path.read_text("utf-8"), encoding="utf-8")
    specs = sorted(tmp_path.rglob("*.toml"))
    assert check(*specs) == []
    for path in specs:
        first, _, rest = path.read_text("utf-8").partition("\n")
        path.write_text(f"{first}\nepoch = 1\n{rest}", encoding="utf-8")
    unknown = {mark.file for mark in check(*specs) if "unknown key" in mark.message}
    assert unknown == {path.name for path in specs}
