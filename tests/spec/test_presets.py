"""Specs that extend a preset: the resulting documents, and errors at the author's own text."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import Field

import declnet
from declnet import (
    BrokenContractError,
    Preset,
    SpecError,
    default_registry,
    extended_document,
    load_spec,
    parse_spec,
)
from declnet.testing.examples import registry_with


class Small(Preset):
    """A small network for classes."""

    type = "small_network"

    classes: int = Field(ge=2, description="number of classes")
    units: int = Field(default=4, ge=1)
    epochs: int = 3
    optimizer: str = "adam"
    several: bool = False

    def document(self):
        layers = [{"type": "dense", "units": self.units}, "relu"]
        model = {"layers": [*layers, {"type": "dense", "units": self.classes}, "softmax"]}
        single = {"model": model, "training": {"epochs": self.epochs}}
        shared = {
            "data": {"train": {"classes": self.classes}, "validation": 0.5},
            "loss": "categorical_crossentropy",
            "optimizer": {"type": self.optimizer, "learning_rate": 0.01},
        }
        if not self.several:
            return shared | single
        return shared | {"members": [{"name": name, **single} for name in ("one", "other")]}


class Wide(Small):
    """The same with more units."""

    type = "wide_network"

    units: int = 16


class Strange(Preset):
    """A preset that returns an invalid document."""

    type = "strange"

    value: str = "extends"

    def document(self):
        return {"extends": {"extends": "x"}, "data": {"data": np.float32(1)}}[self.value]


REGISTRY = registry_with([Small, Strange, Wide])
DATA = '[data.train]\ntype = "nnfs_spiral"\nsamples = 20\n'
TOP = 'declnet = 1\nextends = "preset:small_network"\n'
SPEC = f"{TOP}[preset]\nclasses = 3\n{DATA}"


@pytest.fixture
def load(tmp_path):
    """Write files, and load one named top.toml or with the given suffix."""

    def load(text=SPEC, overrides=None, suffix="toml", **others):
        for name, content in others.items():
            (tmp_path / f"{name}.toml").write_text(content, "utf-8")
        path = tmp_path / f"top.{suffix}"
        path.write_text(text, "utf-8")
        return load_spec(path, overrides, REGISTRY)

    return load


def errors(load, *arguments, **files):
    with pytest.raises(SpecError) as raised:
        load(*arguments, **files)
    return raised.value.problems


def test_what_a_spec_writes_takes_precedence(load):
    spec = load(f"{SPEC}[optimizer]\nlearning_rate = 0.5\n[training]\nbatch_size = 5\n")
    assert (spec.data.train.samples, spec.data.train.classes) == (20, 3)
    assert (spec.optimizer.type, spec.optimizer.learning_rate) == ("adam", 0.5)
    assert (spec.training.epochs, spec.training.batch_size) == (3, 5)
    assert declnet.run(spec, registry=REGISTRY).epochs == 3


def test_files_and_overrides_change_the_preset_and_its_fields(load, tmp_path):
    """All files override the preset, whichever of them names it."""
    base = f"{SPEC}[training]\nepochs = 7\n"
    spec = load('extends = "base.toml"\n[preset]\nunits = 9\n', base=base)
    assert (spec.model.layers[0].units, spec.training.epochs) == (9, 7)
    listed = 'extends = ["preset:small_network", "base.toml"]\n'
    spec = load(listed, base=base.replace(TOP, "declnet = 1\n"))
    assert (spec.model.layers[0].units, spec.training.epochs) == (4, 7)
    changes = {"preset.units": 5, "model.layers.2.units": 4, "data.train.classes": 4}
    spec = load(overrides=changes)
    assert [layer.units for layer in spec.model.layers[::2]] == [5, 4]
    assert load(overrides={"preset": {"classes": 2}}).data.train.classes == 2
    assert load(overrides={"extends": "preset:wide_network"}).model.layers[0].units == 16


def test_variables_are_values_in_fields_and_texts_in_a_document(load):
    spec = load(f"{SPEC.replace('3', chr(34) + '${n}' + chr(34))}[variables]\nn = 5\n")
    assert spec.data.train.classes == 5
    fields = {"rows": 90, "targets": ["$${y}"], "columns": ["$${x}"]}
    table = {"type": "csv", "path": "t.csv", "target": "$${y}"}
    document = {"declnet": 1, "extends": "preset:mlp", "preset": fields, "data": {"train": table}}
    assert extended_document(document)["data"]["train"] == {**table, "features": ["$${x}"]}
    assert parse_spec(document).data.prepare_targets.keys() == {"${y}"}
    (problem,) = errors(load, SPEC.replace("3", '"${n}"'))
    assert (problem.code, problem.place.line) == ("E070", 4)


def test_a_stored_spec_needs_no_preset(load, tmp_path):
    declnet.run(load(), out=tmp_path / "run", registry=REGISTRY)
    text = (tmp_path / "run" / "spec.toml").read_text("utf-8")
    assert "preset" not in text
    assert load_spec(tmp_path / "run" / "spec.toml").model.layers[2].units == 3


def test_a_key_of_the_spec_replaces_that_of_each_member(load):
    several = SPEC.replace("classes = 3", "classes = 3\nseveral = true")
    spec = load(f"{several}[training]\nepochs = 8\n[model]\ndtype = 'float64'\n")
    specs = [member.spec for member in spec.members.members]
    assert [member.name for member in specs] == ["one", "other"]
    assert {member.training.epochs for member in specs} == {8}
    assert {(member.model.dtype, len(member.model.layers)) for member in specs} == {("float64", 4)}
    spec = load(several, {"training.epochs": 9, "model.dtype": "float64"})
    specs = [member.spec for member in spec.members.members]
    assert {(member.training.epochs, member.model.dtype) for member in specs} == {(9, "float64")}


def test_members_can_extend_presets_of_the_same_fields(load):
    member = (
        '[[members]]\nname = "{0}"\nextends = "preset:{0}_network"\npreset = {{ units = {1} }}\n'
    )
    text = SPEC.replace(TOP, "declnet = 1\n") + member.format("small", 6) + member.format("wide", 7)
    spec = load(text)
    units = [member.spec.model.layers[0].units for member in spec.members.members]
    assert units == [6, 7]


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (SPEC.replace("small_network", "small_netwrk"), 2, "small_netwrk", "small_network"),
        (SPEC.replace("3", "1"), 4, '"classes" must be at least 2, not 1', None),
        (SPEC.replace("classes = 3", "class = 3"), 4, 'unknown key "class"', '"classes"'),
        (f"{TOP}{DATA}", 2, '"classes" is missing', "add classes = "),
        (SPEC.replace("classes = 3", 'type = "x"'), 4, 'unknown key "type"', "extends"),
        (SPEC.replace("classes = 3", "classes = 3\nepochs = -1"), 2, "at least 1, not -1", None),
        (SPEC.replace("classes = 3", "classes = 3\noptimizer = 'adm'"), 5, "adm", "adam"),
        (SPEC.replace("[preset]\nclasses = 3", "preset = 3"), 3, "must be a table", "[preset]"),
        (SPEC.replace(TOP, "declnet = 1\n"), 2, 'unknown key "preset"', "extends"),
        (
            SPEC.replace('"preset:small_network"', '["preset:small_network", "preset:mlp"]'),
            2,
            "two presets",
            "remove",
        ),
        (SPEC.replace('"preset:small_network"', '"small_network"'), 2, "not a spec", "preset:"),
    ],
)
def test_errors_point_to_the_authors_text(load, text, line, message, hint):
    first = next(error for error in errors(load, text) if message in error.message)
    assert first.place.line == line
    assert hint is None or hint in first.help


def test_a_wrong_field_does_not_hide_other_errors(load):
    text = SPEC.replace("3", "1") + "[training]\nepochs = -1\n"
    problems = [(error.path[-1], error.place.line) for error in errors(load, text)]
    assert problems == [("classes", 4), ("epochs", 9)]


@pytest.mark.parametrize(
    ("value", "fault"),
    [("extends", 'with "extends", which only files have'), ("data", "whose data is a float32")],
)
def test_a_document_that_no_file_could_have_is_refused(value, fault):
    document = {"declnet": 1, "extends": "preset:strange", "preset": {"value": value}}
    with pytest.raises(BrokenContractError, match=fault):
        parse_spec(document, REGISTRY)


def test_json_and_programs_extend_presets_too(load):
    document = {"declnet": 1, "extends": "preset:small_network", "preset": {"classes": 3}}
    document["data"] = {"train": {"type": "nnfs_spiral", "samples": 20}}
    before = json.dumps(document)
    specs = load(json.dumps(document), suffix="json"), parse_spec(document, REGISTRY)
    assert len({spec.model.layers[2].units for spec in specs}) == 1
    assert json.dumps(document) == before
    with pytest.raises(SpecError, match="only spec files can extend others"):
        parse_spec({**document, "extends": "base.toml"}, default_registry())
