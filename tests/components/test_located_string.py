from __future__ import annotations

import copy
import pickle
from pathlib import Path

from declnet import Layer
from declnet.components.declared import StrictModel
from declnet.components.located_string import LocatedString, with_folder
from declnet_data import NPZ

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
