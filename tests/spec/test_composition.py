"""Specs that extend others, and what comes of it."""

from __future__ import annotations

import json

import pytest
import tomli_w

from declnet import load_spec
from declnet.spec.composition import compose


@pytest.fixture
def composed(files):
    """The document that a spec and those that it extends make; nothing may be wrong."""

    def make(**texts):
        written = compose(files(**texts) / "top.toml")
        assert written.problems == []
        return written.document

    return make


def test_a_spec_has_the_keys_of_its_base_and_its_own_count(composed):
    found = composed(
        base="declnet = 1\nseed = 1\n[training]\nepochs = 1\nbatch_size = 5\n",
        top='extends = "base.toml"\nname = "top"\n[training]\nepochs = 2\n',
    )
    assert found == {
        "declnet": 1,
        "seed": 1,
        "name": "top",
        "training": {"epochs": 2, "batch_size": 5},
    }


def test_bases_may_extend_others(composed):
    found = composed(
        first="declnet = 1\na = 1\nb = 1\nc = 1\n",
        second='extends = "first.toml"\nb = 2\nc = 2\n',
        top='extends = "second.toml"\nc = 3\n',
    )
    assert found == {"declnet": 1, "a": 1, "b": 2, "c": 3}


def test_of_several_bases_the_later_win(composed):
    found = composed(
        one="declnet = 1\na = 1\nb = 1\n[t]\nx = 1\n",
        two="b = 2\nc = 2\n[t]\ny = 2\n",
        top='extends = ["one.toml", "two.toml"]\nc = 3\n',
    )
    assert found == {"declnet": 1, "a": 1, "b": 2, "c": 3, "t": {"x": 1, "y": 2}}


def test_a_diamond_is_no_circle(composed):
    found = composed(
        base="declnet = 1\na = 1\nb = 1\n",
        left='extends = "base.toml"\na = 2\n',
        right='extends = "base.toml"\nc = 3\n',
        top='extends = ["left.toml", "right.toml"]\n',
    )
    assert found == {"declnet": 1, "a": 1, "b": 1, "c": 3}  # right, the later, says a = 1 too


def test_no_bases_are_none(composed):
    assert composed(top="declnet = 1\nextends = []\n") == {"declnet": 1}


def test_json_and_toml_may_extend_each_other(files, tmp_path):
    files(top='extends = "base.json"\nb = 2\n', low="c = 3\n")
    (tmp_path / "base.json").write_text('{"declnet": 1, "extends": "low.toml", "a": 1}')
    assert compose(tmp_path / "top.toml").document == {"declnet": 1, "a": 1, "b": 2, "c": 3}


def test_the_key_for_editors_is_left_out(files, tmp_path):
    (tmp_path / "top.json").write_text('{"$schema": "spec.schema.json", "declnet": 1}')
    assert compose(tmp_path / "top.json").document == {"declnet": 1}


def test_a_whole_spec_by_extension_is_the_spec(document, spec_file, tmp_path):
    whole = load_spec(spec_file(document, "whole.json"))
    base = {**document, "optimizer": "adam"}
    spec_file({**base, "training": {"epochs": 9, "metrics": ["r2"]}}, "base.json")
    (tmp_path / "sub").mkdir()
    top = {
        "extends": "../base.json",
        "optimizer": document["optimizer"],
        "training": document["training"],
    }
    (tmp_path / "sub" / "top.toml").write_text(tomli_w.dumps(top))
    assert load_spec(tmp_path / "sub" / "top.toml") == whole


def test_overrides_count_over_all_files_also_where_a_base_is_in_another_folder(
    document, spec_file, tmp_path
):
    spec_file(document, "base.json")
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "top.toml"
    path.write_text('extends = "../base.json"\n[training]\nepochs = 7\n')
    spec = load_spec(path, {"training.epochs": 5, "model.layers.1.name": "r"})
    assert (spec.training.epochs, spec.model.layers[1].name) == (5, "r")
    assert spec.model.dtype == "float64"


def test_relative_paths_are_relative_to_the_file_that_has_them(document, spec_file, tmp_path):
    (tmp_path / "base").mkdir()
    document["data"]["train"]["path"] = "own.npz"
    document["model"]["initial_weights"] = "w.safetensors"
    (tmp_path / "base" / "base.json").write_text(json.dumps(document))
    top = spec_file(
        'extends = "base/base.json"\n[data]\ntest = { type = "npz", path = "own.npz" }\n',
        "top.toml",
    )
    spec = load_spec(top, {"data.validation": {"type": "npz", "path": "own.npz"}})
    assert spec.data.train.path == tmp_path / "base" / "own.npz"
    assert spec.model.initial_weights == tmp_path / "base" / "w.safetensors"
    assert spec.data.test.path == tmp_path / "own.npz"
    assert spec.data.validation.path == tmp_path / "own.npz"


def test_the_name_is_that_of_the_uppermost_file(document, spec_file):
    del document["name"]
    spec_file(document, "base.json")
    assert load_spec(spec_file('extends = "base.json"', "top.toml")).name == "top"
