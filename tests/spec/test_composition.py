"""Specs that extend others: what comes of it, and where its faults are told."""

from __future__ import annotations

import json
import os

import pytest
import tomli_w

from declnet import SpecError, load_spec
from declnet.spec.composition import compose
from declnet.spec.load import read_spec
from declnet.spec.override import parse_override

CIRCLE = "files extend each other in a circle"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes texts by name into the test's folder, which is the working folder too."""
    monkeypatch.chdir(tmp_path)

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path / (name.replace("__", "/") + ".toml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path

    return write


@pytest.fixture
def composed(files):
    """The document that a spec and those that it extends make; nothing may be wrong."""

    def make(**texts):
        written = compose(files(**texts) / "top.toml")
        assert written.problems == []
        return written.document

    return make


def told(path="top.toml", overrides=()):
    """Every problem of a spec: its place, its code, its message."""
    reading = read_spec(path, [parse_override(text) for text in overrides])
    found = reading.written.located(reading.problems)
    return [(str(each.place), each.code, each.message) for each in found]


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


BASE = """\
declnet = 1
loss = "mean_squared_eror"
[data]
train = { type = "nnfs_sine" }
[model]
layers = [{ type = "dense", units = 1 }]
[optimizer]
type = "sgd"
momentum = 2
[training]
epochs = 1
"""


def test_faults_of_inherited_keys_are_told_in_the_base_after_those_of_the_spec(files):
    files(
        bases__base=BASE,
        top='extends = "bases/base.toml"\n[training]\nepoch = 1\n[optimizer]\ndecay = "0"\n',
    )
    assert [each[:2] for each in told()] == [
        ("top.toml:3:1", "E010"),
        ("top.toml:5:9", "E012"),
        ("bases/base.toml:2:8", "E015"),
        ("bases/base.toml:9:12", "E013"),
    ]


def test_what_the_spec_writes_itself_is_no_fault_of_the_base(files):
    files(
        base=BASE,
        top='extends = "base.toml"\nloss = "mean_squared_error"\noptimizer = "adam"\n',
    )
    assert load_spec("top.toml").optimizer.type == "adam"


def test_a_bare_name_of_the_base_is_told_there_though_the_spec_adds_keys(files):
    files(
        base='declnet = 1\nloss = "hinge"\noptimizer = "sdg"\n[training]\nepochs = 1\n'
        '[model]\nlayers = ["relu"]\n',
        top='extends = "base.toml"\n[optimizer]\nmomentum = 0.5\n',
    )
    assert [each[:2] for each in told()] == [("base.toml:3:13", "E015")]


def test_faults_of_an_override_are_told_there(files):
    files(base=BASE, top='extends = "base.toml"\n')
    assert [each[:2] for each in told(overrides=["optimizer.momentum=3", "loss=x"])] == [
        ("--set:1:6", "E015"),
        ("--set:1:20", "E013"),
    ]


def test_every_file_is_upgraded_and_a_wrong_version_told_in_its_own(files):
    files(base=BASE.replace("declnet = 1", "declnet = 99"), top='extends = "base.toml"\n')
    found = told()
    assert ("base.toml:1:11", "E007") in [each[:2] for each in found]
    files(top='extends = "base.toml"\ndeclnet = 1\n')
    assert ("base.toml:1:11", "E007") in [each[:2] for each in told()]


def test_a_version_that_no_file_says_is_missed_in_the_spec(files):
    files(base=BASE.replace("declnet = 1\n", ""), top='extends = "base.toml"\n')
    assert ("top.toml:1:1", "E007") in [each[:2] for each in told()]


def test_keys_that_stand_twice_are_told_in_their_files(files):
    files(
        base=BASE.replace("_eror", "_error").replace("momentum = 2", "decay = 0\ndecay = 1"),
        top='extends = "base.toml"\nseed = 1\nseed = 2\n',
    )
    assert [each[:2] for each in told()] == [("top.toml:3:1", "E003"), ("base.toml:10:1", "E003")]


def test_a_fault_of_a_base_of_two_bases_is_told_once(files):
    files(
        base=BASE.replace("momentum = 2", "decay = 0\ndecay = 1").replace("_eror", "_error"),
        left='extends = "base.toml"\n',
        right='extends = "base.toml"\n',
        top='extends = ["left.toml", "right.toml"]\n',
    )
    assert [each[:2] for each in told()] == [("base.toml:10:1", "E003")]


OWN = "declnet = 1\nseed = -1\n"


@pytest.mark.parametrize(
    ("extends", "place", "message"),
    [
        ('"absent.toml"', "top.toml:1:11", "absent.toml: there is no such file"),
        ('"sub/absent.toml"', "top.toml:1:11", "sub/absent.toml: there is no such file"),
        ('"sub"', "top.toml:1:11", "sub: this is a folder"),
        ('"notes.txt"', "top.toml:1:11", "notes.txt: not a spec"),
        ('"a\\u0000b.toml"', "top.toml:1:11", "a b.toml: cannot be read"),
        ('""', "top.toml:1:11", ""),
        ('"loop.toml"', "top.toml:1:11", "loop.toml: cannot be read"),
        (f'"{"x" * 300}.toml"', "top.toml:1:11", "x"),
        ("3", "top.toml:1:11", '"extends" must be the name of a file, or a list of'),
        ("{ a = 1 }", "top.toml:1:11", '"extends" must be the name of a file, or a list of'),
        ('["right.toml", 3]', "top.toml:1:26", '"extends" must be the name of a file, or a'),
        ('["right.toml", "no.toml"]', "top.toml:1:26", "no.toml: there is no such file"),
        ('"top.toml"', "top.toml:1:11", f"{CIRCLE}: top.toml extends top.toml"),
        ('"./sub/../top.toml"', "top.toml:1:11", f"{CIRCLE}: top.toml extends top.toml"),
    ],
    ids=lambda value: value[:20],
)
def test_a_base_that_cannot_be_is_told_at_its_name_and_nothing_is_called_missing(
    files, tmp_path, extends, place, message
):
    files(top=f"extends = {extends}\n{OWN}", right="[training]\nepochs = 0\n", sub__x="")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    found = told()
    assert found[0][:2] == (place, "E006")
    assert found[0][2].startswith(message)
    assert [each[1] for each in found[1:]] == ["E013"] * (len(found) - 1)
    assert ("top.toml:3:8", "E013", '"seed" must be at least 0, not -1') in found


def test_a_circle_is_told_where_it_closes(files):
    files(
        top='extends = "one.toml"\ndeclnet = 1\n',
        one='extends = "two.toml"\n',
        two='\nextends = ["one.toml"]\n',
    )
    assert told() == [
        ("two.toml:2:12", "E006", f"{CIRCLE}: one.toml extends two.toml extends one.toml")
    ]


def test_a_circle_through_a_link_is_one_too(files, tmp_path):
    files(top='extends = "linked.toml"\n')
    (tmp_path / "linked.toml").symlink_to("top.toml")
    assert [each[:2] for each in told()] == [("top.toml:1:11", "E006")]


@pytest.mark.parametrize(
    ("name", "content", "place", "code"),
    [
        ("base.toml", b"a = 1\nb = = 2\n", "base.toml:2:5", "E002"),
        ("base.json", b'{"a": 1,\n "b" 2}', "base.json:2:6", "E002"),
        ("base.toml", b"a = 1\nb = '\xff'\n", "base.toml:2:6", "E001"),
        ("base.toml", b"a = " + b"[" * 100 + b"]" * 100, "base.toml:1:68", "E004"),
    ],
    ids=["toml", "json", "bytes", "deep"],
)
def test_a_base_that_cannot_be_parsed_is_told_at_its_own_place(
    files, tmp_path, name, content, place, code
):
    files(top=f'extends = "{name}"\n{OWN}')
    (tmp_path / name).write_bytes(content)
    assert [each[:2] for each in told()] == [("top.toml:3:8", "E013"), (place, code)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_base_that_may_not_be_read(files, tmp_path):
    files(top=f'extends = "base.toml"\n{OWN}', base=BASE)
    (tmp_path / "base.toml").chmod(0)
    assert "Permission denied" in told()[0][2]


def test_a_missing_base_of_a_base_is_told_in_that(files):
    files(top='extends = "sub/base.toml"\n', sub__base=f'extends = "absent.toml"\n{OWN}')
    assert [each[:2] for each in told()] == [
        ("sub/base.toml:1:11", "E006"),
        ("sub/base.toml:3:8", "E013"),
    ]


def test_a_file_that_cannot_be_read_itself_is_all_that_is_told(files, tmp_path):
    files()
    with pytest.raises(SpecError) as caught:
        compose(tmp_path / "absent.toml")
    assert [each.code for each in caught.value.problems] == ["E001"]
