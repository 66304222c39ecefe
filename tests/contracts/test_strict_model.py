"""The JSON Schema of a single class: its own fields, whatever is installed."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

from declnet import Layer, RunSpec
from declnet.contracts.strict_model import KIND, LocatedString, StrictModel, with_folder
from declnet_plugins.standard.data import NPZ
from declnet_plugins.standard.layers import Dense
from declnet_plugins.standard.schedules import Warmup

HERE = Path("/here")


def test_it_is_the_text():
    text = LocatedString("relu", HERE)
    assert text == "relu"
    assert hash(text) == hash("relu")
    assert text.folder == HERE
    assert Layer.from_declaration(text).type == "relu"


def test_copies_know_their_folder_too():
    text = LocatedString("a.npz", HERE)
    for again in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert again == text
        assert again.folder == HERE


def test_every_string_of_a_document_gets_the_folder_and_nothing_else_changes():
    document = {"a": "x", "b": ["y", {"c": "z", "d": 1}], "e": True, "f": 0.5}
    found = with_folder(document, HERE)
    assert found == document
    assert {found["a"].folder, found["b"][0].folder, found["b"][1]["c"].folder} == {HERE}
    assert [type(each) for each in (found["b"][1]["d"], found["e"], found["f"])] == [
        int,
        bool,
        float,
    ]
    assert type(document["a"]) is str


def test_a_string_that_has_a_folder_keeps_it():
    first = with_folder(["a"], HERE)
    assert with_folder(first, Path("/there"))[0].folder == HERE


def test_a_path_is_relative_to_its_own_folder_rather_than_the_specs():
    context = {"folder": Path("/spec")}
    own = {"type": "npz", "path": LocatedString("a.npz", HERE)}
    assert NPZ.from_declaration(own, context).path == Path("/here/a.npz")
    plain = {"type": "npz", "path": "a.npz"}
    assert NPZ.from_declaration(plain, context).path == Path("/spec/a.npz")
    absolute = {"type": "npz", "path": LocatedString("/there/a.npz", HERE)}
    assert NPZ.from_declaration(absolute, context).path == Path("/there/a.npz")


def test_fields_that_are_no_paths_hold_plain_strings():
    class Named(StrictModel):
        name: str

    named = Named.model_validate({"name": LocatedString("a", HERE)})
    assert type(named.name) is str


def test_a_table_has_its_type_first():
    schema = Dense.model_json_schema()
    assert next(iter(schema["properties"].items())) == ("type", {"const": "dense"})
    assert schema["required"] == ["type", "units"]


def test_a_field_typed_by_a_contract_says_which_kind_it_takes_and_no_more():
    taken = Dense.model_json_schema()["properties"]["weight_initializer"]
    assert taken[KIND] == "initializer"
    assert taken["type"] == ["string", "object"]
    assert taken["default"] == {"type": "glorot_uniform"}
    assert "he_normal" not in json.dumps(Dense.model_json_schema())


def test_a_number_or_a_component_of_its_own_kind():
    following = Warmup.model_json_schema()["properties"]["schedule"]
    assert following[KIND] == "schedule"
    assert following["type"] == ["number", "string", "object"]
    assert following["minimum"] == 0


def test_the_whole_spec_has_a_schema():
    schema = RunSpec.model_json_schema()
    assert set(schema["required"]) == {"model", "optimizer", "training"}
    assert len(json.dumps(schema)) < 16_000
