"""Specs that extend others: their values, the origins, and errors in the right file."""

from __future__ import annotations

import json
import os

import pytest
import tomli_w

from declnet import SpecError, load_spec
from declnet.spec.compose import UPGRADES, compose, merged, missing_version, upgraded
from declnet.spec.model import FORMAT_VERSION
from declnet.spec.source_map import Origin, Source, SourceMap


@pytest.fixture
def composed(files):
    """The document that a spec and those that it extends make; nothing may be wrong."""

    def make(**texts):
        found = compose(files(**texts) / "top.toml")
        assert found.diagnostics == []
        return found.source_map.document

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
    assert compose(tmp_path / "top.toml").source_map.document == {
        "declnet": 1,
        "a": 1,
        "b": 2,
        "c": 3,
    }


def test_the_key_for_editors_is_left_out(files, tmp_path):
    (tmp_path / "top.json").write_text('{"$schema": "spec.schema.json", "declnet": 1}')
    assert compose(tmp_path / "top.json").source_map.document == {"declnet": 1}


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


UNDER, OVER = Source("under.toml", "", "toml"), Source("over.toml", "", "toml")


def laid(under, over):
    return merged(SourceMap(under, Origin(UNDER)), SourceMap(over, Origin(OVER)))


@pytest.mark.parametrize(
    ("under", "over", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"t": {"a": 1, "b": 2}}, {"t": {"b": 3}}, {"t": {"a": 1, "b": 3}}),
        ({"t": {"u": {"a": 1}}}, {"t": {"u": {"b": 2}}}, {"t": {"u": {"a": 1, "b": 2}}}),
        ({"t": {"a": 1}}, {"t": 2}, {"t": 2}),
        ({"t": 2}, {"t": {"a": 1}}, {"t": {"a": 1}}),
        ({"t": {"a": 1}}, {"t": {}}, {"t": {"a": 1}}),
        ({"l": [1, 2, 3]}, {"l": [4]}, {"l": [4]}),
        ({"l": [{"a": 1}]}, {"l": [{"b": 2}]}, {"l": [{"b": 2}]}),
        ({"l": [1]}, {"l": []}, {"l": []}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_tables_merge_deeply_and_all_else_replaces(under, over, expected):
    assert laid(under, over).document == expected


@pytest.mark.parametrize(
    ("under", "over", "expected"),
    [
        ({"type": "sgd", "momentum": 0.9}, {"type": "adam"}, {"type": "adam"}),
        ({"type": "sgd", "momentum": 0.9}, "adam", "adam"),
        ({"type": "sgd", "momentum": 0.9}, "sgd", "sgd"),
        (
            {"type": "sgd", "momentum": 0.9},
            {"type": "sgd", "decay": 0.1},
            {"type": "sgd", "momentum": 0.9, "decay": 0.1},
        ),
        (
            {"type": "sgd", "momentum": 0.9},
            {"momentum": 0.5},
            {"type": "sgd", "momentum": 0.5},
        ),
        ("sgd", {"momentum": 0.5}, {"type": "sgd", "momentum": 0.5}),
        ("sgd", {"type": "sgd", "momentum": 0.5}, {"type": "sgd", "momentum": 0.5}),
        ("sgd", {"type": "adam"}, {"type": "adam"}),
        ({"momentum": 0.9}, {"type": "sgd"}, {"type": "sgd"}),
    ],
)
def test_a_component_of_another_type_replaces_the_old_one_whole(under, over, expected):
    assert laid({"optimizer": under}, {"optimizer": over}).document == {"optimizer": expected}


def test_both_documents_are_left_alone():
    under, over = {"t": {"a": 1}}, {"t": {"b": 2}}
    laid(under, over).document["t"]["c"] = 3
    assert (under, over) == ({"t": {"a": 1}}, {"t": {"b": 2}})


@pytest.mark.parametrize(
    ("path", "writer"),
    [
        ((), OVER),
        (("kept",), UNDER),
        (("new",), OVER),
        (("both",), OVER),
        (("table", "kept"), UNDER),
        (("table", "new"), OVER),
        (("table",), OVER),
        (("table", "missing"), OVER),
        (("list", 0, "a"), OVER),
        (("kept_table", "a"), UNDER),
        (("kept_table", "missing"), UNDER),
        (("bare", "type"), UNDER),
        (("bare", "decay"), OVER),
        (("other_type", "type"), OVER),
    ],
)
def test_who_wrote_what(path, writer):
    source_map = laid(
        {
            "kept": 1,
            "both": 1,
            "table": {"kept": 1},
            "list": [{"a": 1}],
            "kept_table": {"a": 1},
            "bare": "sgd",
            "other_type": {"type": "sgd", "momentum": 0.9},
        },
        {
            "new": 1,
            "both": 2,
            "table": {"new": 2},
            "list": [{"a": 2}],
            "bare": {"decay": 0.1},
            "other_type": {"type": "adam"},
        },
    )
    assert source_map.writer_of(path) is writer


def test_the_uppermost_of_three_is_the_writer_of_what_all_have():
    third = Source("third.toml", "", "toml")
    both = laid({"t": {"a": 1, "b": 1, "c": 1}}, {"t": {"b": 2, "c": 2}})
    source_map = merged(both, SourceMap({"t": {"c": 3}}, Origin(third)))
    assert source_map.document == {"t": {"a": 1, "b": 2, "c": 3}}
    writers = [source_map.writer_of(("t", key)) for key in "abc"]
    assert writers == [UNDER, OVER, third]


def rename_rate(document):
    optimizer = dict(document["optimizer"])
    optimizer["learning_rate"] = optimizer.pop("rate")
    return {**document, "optimizer": optimizer}


def drop_log(document):
    return {key: value for key, value in document.items() if key != "log"}


INVENTED = {1: rename_rate, 2: drop_log}
FIRST = {"declnet": 1, "log": True, "optimizer": {"type": "sgd", "rate": 0.5}}


def test_there_is_an_upgrade_from_every_version_but_the_current():
    assert sorted(UPGRADES) == list(range(1, FORMAT_VERSION))


@pytest.mark.parametrize(
    ("document", "current", "expected"),
    [
        (FIRST, 1, FIRST),
        (
            FIRST,
            2,
            {"declnet": 2, "log": True, "optimizer": {"type": "sgd", "learning_rate": 0.5}},
        ),
        (FIRST, 3, {"declnet": 3, "optimizer": {"type": "sgd", "learning_rate": 0.5}}),
        ({"declnet": 2, "log": 1, "a": 1}, 3, {"declnet": 3, "a": 1}),
        ({"declnet": 3, "log": 1}, 3, {"declnet": 3, "log": 1}),
    ],
)
def test_a_document_goes_from_version_to_version(document, current, expected):
    assert upgraded(document, INVENTED, current) == (expected, [])


def test_one_without_a_version_is_of_the_first():
    document = {key: value for key, value in FIRST.items() if key != "declnet"}
    assert upgraded(document, INVENTED, 2)[0]["optimizer"]["learning_rate"] == 0.5
    assert upgraded(document, INVENTED, 1) == (document, [])


def test_the_document_itself_is_left_alone():
    before = {**FIRST, "optimizer": dict(FIRST["optimizer"])}
    upgraded(FIRST, INVENTED, 3)
    assert before == FIRST


@pytest.mark.parametrize(
    ("version", "message", "hint"),
    [
        ("1", "must be a whole number", "write declnet = 3"),
        (1.0, "must be a whole number", "write declnet = 3"),
        (True, "must be a whole number", "write declnet = 3"),
        (None, "must be a whole number", "write declnet = 3"),
        (0, "there is no version 0", "write declnet = 3"),
        (-1, "there is no version -1", "write declnet = 3"),
        (4, "this is version 4 of the format; this declnet reads 3", "pip install --upgrade"),
        (16**5000, "this is version a very large number", "pip install --upgrade"),
        (-(16**5000), "there is no version a very large number", "write declnet = 3"),
    ],
    ids=lambda value: str(value)[:10] if not isinstance(value, int) else "",
)
def test_what_is_no_version_is_refused_and_the_document_stays(version, message, hint):
    document = {**FIRST, "declnet": version}
    found, (problem,) = upgraded(document, INVENTED, 3)
    assert found is document
    assert (problem.code, problem.path) == ("E007", ("declnet",))
    assert message in problem.message
    assert problem.help.startswith(hint)


@pytest.mark.parametrize(
    ("syntax", "written"),
    [("toml", f"declnet = {FORMAT_VERSION}"), ("json", f'"declnet": {FORMAT_VERSION}')],
)
def test_a_missing_version_is_reported_with_what_to_write(syntax, written):
    (problem,) = missing_version({}, syntax)
    assert (problem.code, problem.path) == ("E007", ("declnet",))
    assert problem.message == "the version of the format is missing"
    assert problem.help == f"write {written} at the top"
    _, (problem,) = upgraded({"declnet": 0}, syntax=syntax)
    assert problem.help == f"write {written}"
    assert missing_version({"declnet": "whatever"}) == []


CIRCLE = "files extend each other in a circle"
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
def test_a_base_that_cannot_be_is_reported_at_its_name_and_nothing_is_called_missing(
    files, reported, tmp_path, extends, place, message
):
    files(top=f"extends = {extends}\n{OWN}", right="[training]\nepochs = 0\n", sub__x="")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    found = reported()
    assert found[0][:2] == (place, "E006")
    assert found[0][2].startswith(message)
    assert [each[1] for each in found[1:]] == ["E013"] * (len(found) - 1)
    assert ("top.toml:3:8", "E013", '"seed" must be at least 0, not -1') in found


def test_a_circle_is_reported_where_it_closes(files, reported):
    files(
        top='extends = "one.toml"\ndeclnet = 1\n',
        one='extends = "two.toml"\n',
        two='\nextends = ["one.toml"]\n',
    )
    assert reported() == [
        ("two.toml:2:12", "E006", f"{CIRCLE}: one.toml extends two.toml extends one.toml")
    ]


def test_a_circle_through_a_link_is_one_too(files, reported, tmp_path):
    files(top='extends = "linked.toml"\n')
    (tmp_path / "linked.toml").symlink_to("top.toml")
    assert [each[:2] for each in reported()] == [("top.toml:1:11", "E006")]


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
def test_a_base_that_cannot_be_parsed_is_reported_at_its_own_place(
    files, reported, tmp_path, name, content, place, code
):
    files(top=f'extends = "{name}"\n{OWN}')
    (tmp_path / name).write_bytes(content)
    assert [each[:2] for each in reported()] == [("top.toml:3:8", "E013"), (place, code)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_base_that_may_not_be_read(files, reported, tmp_path):
    files(top=f'extends = "base.toml"\n{OWN}', base=OWN)
    (tmp_path / "base.toml").chmod(0)
    assert "Permission denied" in reported()[0][2]


def test_a_missing_base_of_a_base_is_reported_in_that(files, reported):
    files(top='extends = "sub/base.toml"\n', sub__base=f'extends = "absent.toml"\n{OWN}')
    assert [each[:2] for each in reported()] == [
        ("sub/base.toml:1:11", "E006"),
        ("sub/base.toml:3:8", "E013"),
    ]


def test_a_file_that_cannot_be_read_itself_is_all_that_is_reported(files, tmp_path):
    files()
    with pytest.raises(SpecError) as caught:
        compose(tmp_path / "absent.toml")
    assert [each.code for each in caught.value.problems] == ["E001"]


def test_a_chain_of_very_many_files_is_refused(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"')
    with pytest.raises(SpecError, match="more than 50 files extend one another"):
        load_spec(tmp_path / "0.toml")


def test_a_base_that_is_named_twice_at_every_level_is_read_once(tmp_path):
    for number in range(40):
        name = f"{number + 1}.toml"
        (tmp_path / f"{number}.toml").write_text(f'extends = ["{name}", "{name}"]')
    (tmp_path / "40.toml").write_text("sede = 1")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "0.toml")
    assert [each.code for each in caught.value.problems].count("E010") == 1


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


def test_errors_of_inherited_keys_are_reported_in_the_base_after_those_of_the_spec(files, reported):
    files(
        bases__base=BASE,
        top='extends = "bases/base.toml"\n[training]\nepoch = 1\n[optimizer]\ndecay = "0"\n',
    )
    assert [each[:2] for each in reported()] == [
        ("top.toml:3:1", "E010"),
        ("top.toml:5:9", "E012"),
        ("bases/base.toml:2:8", "E015"),
        ("bases/base.toml:9:12", "E013"),
    ]


def test_what_the_spec_writes_itself_is_no_error_of_the_base(files):
    files(
        base=BASE,
        top='extends = "base.toml"\nloss = "mean_squared_error"\noptimizer = "adam"\n',
    )
    assert load_spec("top.toml").optimizer.type == "adam"


def test_a_bare_name_of_the_base_is_reported_there_though_the_spec_adds_keys(files, reported):
    files(
        base='declnet = 1\nloss = "hinge"\noptimizer = "sdg"\n[training]\nepochs = 1\n'
        '[model]\nlayers = ["relu"]\n',
        top='extends = "base.toml"\n[optimizer]\nmomentum = 0.5\n',
    )
    assert [each[:2] for each in reported()] == [("base.toml:3:13", "E015")]


def test_errors_of_an_override_are_reported_there(files, reported):
    files(base=BASE, top='extends = "base.toml"\n')
    assert [each[:2] for each in reported(overrides=["optimizer.momentum=3", "loss=x"])] == [
        ("--set:1:6", "E015"),
        ("--set:1:20", "E013"),
    ]


def test_every_file_is_upgraded_and_a_wrong_version_reported_in_its_own(files, reported):
    files(base=BASE.replace("declnet = 1", "declnet = 99"), top='extends = "base.toml"\n')
    found = reported()
    assert ("base.toml:1:11", "E007") in [each[:2] for each in found]
    files(top='extends = "base.toml"\ndeclnet = 1\n')
    assert ("base.toml:1:11", "E007") in [each[:2] for each in reported()]


def test_a_version_that_no_file_says_is_missed_in_the_spec(files, reported):
    files(base=BASE.replace("declnet = 1\n", ""), top='extends = "base.toml"\n')
    assert ("top.toml:1:1", "E007") in [each[:2] for each in reported()]


def test_keys_that_are_given_twice_are_reported_in_their_files(files, reported):
    files(
        base=BASE.replace("_eror", "_error").replace("momentum = 2", "decay = 0\ndecay = 1"),
        top='extends = "base.toml"\nseed = 1\nseed = 2\n',
    )
    assert [each[:2] for each in reported()] == [
        ("top.toml:3:1", "E003"),
        ("base.toml:10:1", "E003"),
    ]


def test_a_error_of_a_base_of_two_bases_is_reported_once(files, reported):
    files(
        base=BASE.replace("momentum = 2", "decay = 0\ndecay = 1").replace("_eror", "_error"),
        left='extends = "base.toml"\n',
        right='extends = "base.toml"\n',
        top='extends = ["left.toml", "right.toml"]\n',
    )
    assert [each[:2] for each in reported()] == [("base.toml:10:1", "E003")]
