"""Where problems of a document are written that has several writers."""

from __future__ import annotations

import tomllib

import pytest

from declnet.errors import Diagnostic, Place
from declnet.spec.merging import merged
from declnet.spec.override import parse_override
from declnet.spec.overrides import override
from declnet.spec.source import Source
from declnet.spec.written import Origin, Written

BASE = """\
seed = 1
loss = "nope"
optimizer = "sgd"
[training]
epochs = 10
[model]
layers = [
  "relu",
]
"""
TOP = """\
[optimizer]
decay = 0.1
[training]
batch_size = 5
"""


def source(text, name):
    return Source(name, text, "toml"), tomllib.loads(text)


@pytest.fixture
def written():
    """The top laid over the base, with two overrides."""
    (base, under), (top, over) = source(BASE, "base.toml"), source(TOP, "top.toml")
    both = Written(*merged(under, Origin(base), over, Origin(top)))
    changes = [parse_override("training.epochs=ten", 1), parse_override("data.test.type=npz", 2)]
    return override(both, changes)


def marked(place):
    return f"{place}", place.text[place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize(
    ("path", "focus", "where", "text"),
    [
        (("seed",), "value", "base.toml:1:8", "1"),
        (("seed",), "key", "base.toml:1:1", "seed"),
        (("loss",), "value", "base.toml:2:8", '"nope"'),
        (("training", "batch_size"), "value", "top.toml:4:14", "5"),
        (("training", "epochs"), "value", "--set:1:17", "ten"),
        (("training", "epochs"), "key", "--set:1:1", "training.epochs"),
        (("training", "missing"), "value", "top.toml:3:1", "[training]"),
        (("training",), "value", "top.toml:3:1", "[training]"),
        (("optimizer", "decay"), "value", "top.toml:2:9", "0.1"),
        (("optimizer", "type"), "value", "base.toml:3:13", '"sgd"'),
        (("optimizer",), "value", "base.toml:3:13", '"sgd"'),
        (("optimizer", "missing"), "value", "base.toml:3:13", '"sgd"'),
        (("model", "layers", 0), "value", "base.toml:8:3", '"relu"'),
        (("model", "layers", 0, "missing"), "value", "base.toml:8:3", '"relu"'),
        (("model", "layers"), "value", "base.toml:7:1", "layers"),
        (("data", "test", "type"), "value", "--set:2:16", "npz"),
        (("data", "test", "path"), "value", "--set:2:16", "npz"),
        (("data", "train"), "value", "--set:2:1", "data"),
        (("missing",), "value", "top.toml:1:1", ""),
        (("missing", 3, "deeper"), "key", "top.toml:1:1", ""),
        ((), "value", "top.toml:1:1", ""),
    ],
)
def test_each_path_has_a_place_where_it_or_what_is_around_it_is_written(
    written, path, focus, where, text
):
    assert marked(written.place_of(path, focus)) == (where, text)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (("seed",), "base.toml:1:8"),
        (("training", "epochs"), "--set:1:17"),
        (("training", "batch_size"), "top.toml:4:14"),
        (("optimizer", "type"), "base.toml:3:13"),
        (("loss", "type"), "base.toml:2:8"),
        (("data", "test", "type"), "--set:2:16"),
        (("training", "log_every"), None),
        (("optimizer", "momentum"), None),
        (("data", "test", "path"), None),
        (("data", "train", "type"), None),
        (("name",), None),
    ],
)
def test_a_default_is_written_nowhere(written, path, where):
    place = written.exact_place(path)
    assert (str(place) if place else None) == where


def test_what_a_program_holds_is_written_nowhere():
    written = Written({"seed": 1})
    assert written.writer_of(("seed",)) is None
    assert written.place_of(("seed",)) is None
    assert written.exact_place(("seed",)) is None
    problem = Diagnostic("wrong", path=("seed",))
    assert written.located([problem]) == (problem,)


def test_problems_come_in_the_order_of_the_files_and_of_their_lines(written):
    paths = [
        ("training", "epochs"),
        ("model", "layers", 0),
        ("training", "batch_size"),
        ("seed",),
        ("optimizer", "decay"),
    ]
    found = written.located(Diagnostic(f"problem of {path}", path=path) for path in paths)
    assert [str(each.place) for each in found] == [
        "top.toml:2:9",
        "top.toml:4:14",
        "base.toml:1:8",
        "base.toml:8:3",
        "--set:1:17",
    ]


def test_at_one_place_errors_come_before_warnings(written):
    warning, error = (
        Diagnostic("a", path=("seed",), code="W004"),
        Diagnostic("b", path=("seed",), code="E013"),
    )
    assert [each.code for each in written.located([warning, error])] == ["E013", "W004"]


def test_a_problem_with_a_place_keeps_it_and_twice_the_same_is_told_once(written):
    place = Place("base.toml", 9, 1, 9, 2, "x")
    problem = Diagnostic("elsewhere", path=("seed",), place=place)
    assert written.located([problem, problem]) == (problem,)


def test_a_bare_name_of_an_override_that_gets_keys_is_told_at_the_name():
    changes = [parse_override("loss=nope", 1), parse_override("loss.weight=2", 2)]
    written = override(Written({}), changes)
    for path in (("loss", "type"), ("loss",)):
        assert str(written.place_of(path)) == "--set:1:6"
    assert str(written.exact_place(("loss", "type"))) == "--set:1:6"
    assert written.exact_place(("loss", "smoothing")) is None


def test_a_component_is_told_at_its_type_and_a_table_of_several_lines_at_its_key():
    text = '{\n "loss": {"a": 1,\n  "type": "nope"},\n "training": {\n  "epochs": 1}}'
    json = Source("spec.json", text, "json")
    document = {"loss": {"a": 1, "type": "nope"}, "training": {"epochs": 1}}
    written = Written(document, Origin(json))
    assert marked(written.place_of(("loss",))) == ("spec.json:3:11", '"nope"')
    assert marked(written.place_of(("loss", "b"))) == ("spec.json:3:11", '"nope"')
    assert marked(written.place_of(("training",))) == ("spec.json:4:2", '"training"')
    assert marked(written.place_of(("training", "b"))) == ("spec.json:4:2", '"training"')


def test_a_missing_type_is_told_at_its_table():
    text = '{\n "loss": {\n  "a": 1}}'
    written = Written({"loss": {"a": 1}}, Origin(Source("spec.json", text, "json")))
    assert marked(written.place_of(("loss", "type"))) == ("spec.json:2:2", '"loss"')
