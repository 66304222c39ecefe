"""The JSON Schema of a single class: its own fields, whatever is installed."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

from declnet.contracts.strict_model import LocatedString, StrictModel, with_folder
from declnet_plugins.standard.data.arrays import NPZ

HERE = Path("/here")


def test_copies_keep_the_folder_of_a_string():
    text = LocatedString("a.npz", HERE)
    for again in (copy.copy(text), copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert again == text
        assert again.folder == HERE


def test_a_string_that_has_a_folder_keeps_it():
    first = with_folder(["a"], HERE)
    assert with_folder(first, Path("/there"))[0].folder == HERE


def test_a_path_is_relative_to_its_file_rather_than_the_spec():
    context = {"folder": Path("/spec")}
    declaration = {"type": "npz", "path": LocatedString("a.npz", HERE)}
    assert NPZ.from_declaration(declaration, context).path == Path("/here/a.npz")
    plain = {"type": "npz", "path": "a.npz"}
    assert NPZ.from_declaration(plain, context).path == Path("/spec/a.npz")
    absolute = {"type": "npz", "path": LocatedString("/there/a.npz", HERE)}
    assert NPZ.from_declaration(absolute, context).path == Path("/there/a.npz")


def test_fields_that_are_not_paths_hold_plain_strings():
    class Named(StrictModel):
        name: str

    named = Named.model_validate({"name": LocatedString("a", HERE)})
    assert type(named.name) is str
