"""Specs that extend others: their values, the origins, and errors in the right file."""

from __future__ import annotations

import copy
import json

import pytest

from declnet import SpecError, load_spec
from declnet.spec.document.compose import compose, merged
from declnet.spec.document.source_map import Origin, Source, SourceMap


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            {
                "one": "declnet = 1\na = 1\nb = 1\n[t]\nx = 1\n",
                "two": "b = 2\nc = 2\n[t]\ny = 2\n",
                "top": 'extends = ["one.toml", "two.toml"]\nc = 3\n',
            },
            {"declnet": 1, "a": 1, "b": 2, "c": 3, "t": {"x": 1, "y": 2}},
        ),
        (
            {
                "base": "declnet = 1\na = 1\nb = 1\n",
                "left": 'extends = "base.toml"\na = 2\n',
                "right": 'extends = "base.toml"\nc = 3\n',
                "top": 'extends = ["left.toml", "right.toml"]\n',
            },
            {"declnet": 1, "a": 1, "b": 1, "c": 3},  # right, the later one, has a = 1 too
        ),
    ],
    ids=["two bases", "diamond"],
)
def test_a_spec_is_merged_over_its_bases(files, texts, expected):
    composed = compose(files(**texts) / "top.toml")
    assert (composed.source_map.document, composed.diagnostics) == (expected, [])


def test_relative_paths_are_relative_to_the_file_that_has_them(document, spec_file, tmp_path):
    (tmp_path / "base").mkdir()
    del document["name"]
    document["data"]["train"]["path"] = "own.npz"
    document["model"]["initial_weights"] = "w.safetensors"
    (tmp_path / "base" / "base.json").write_text(json.dumps(document))
    top = spec_file(
        'extends = "base/base.json"\n[data]\ntest = { type = "npz", path = "own.npz" }\n',
        "top.toml",
    )
    spec = load_spec(top, {"data.validation": {"type": "npz", "path": "own.npz"}})
    assert spec.name == "top"
    assert spec.data.train.path == tmp_path / "base" / "own.npz"
    assert spec.model.initial_weights == tmp_path / "base" / "w.safetensors"
    assert spec.data.test.path == tmp_path / "own.npz"
    assert spec.data.validation.path == tmp_path / "own.npz"


UNDER, OVER = Source("under.toml", "", "toml"), Source("over.toml", "", "toml")


def laid(under, over):
    return merged(SourceMap(under, Origin(UNDER)), SourceMap(over, Origin(OVER)))


@pytest.mark.parametrize(
    ("under", "over", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"u": {"a": 1}}, {"u": {"b": 2}}, {"u": {"a": 1, "b": 2}}),
        ({"a": 1}, {}, {"a": 1}),
        ([{"a": 1}], [{"b": 2}], [{"b": 2}]),
        ([1], [], []),
        ({"type": "sgd", "momentum": 0.9}, {"type": "adam"}, {"type": "adam"}),
        ({"type": "sgd", "momentum": 0.9}, "adam", "adam"),
        ({"type": "sgd", "a": 1}, {"type": "sgd", "b": 2}, {"type": "sgd", "a": 1, "b": 2}),
        ({"type": "sgd", "momentum": 0.9}, {"momentum": 0.5}, {"type": "sgd", "momentum": 0.5}),
        ("sgd", {"momentum": 0.5}, {"type": "sgd", "momentum": 0.5}),
        ("sgd", {"type": "adam"}, {"type": "adam"}),
        ({"momentum": 0.9}, {"type": "sgd"}, {"type": "sgd", "momentum": 0.9}),
    ],
)
def test_tables_of_one_type_are_merged_and_other_values_replaced(under, over, expected):
    before = copy.deepcopy((under, over))
    assert laid({"t": under}, {"t": over}).document == {"t": expected}
    assert (under, over) == before


CIRCLE = "files extend each other in a circle"
OWN = "declnet = 1\nseed = -1\n"


@pytest.mark.parametrize(
    ("extends", "place", "message"),
    [
        ('"sub"', "top.toml:1:11", "sub: this is a folder"),
        ('"a\\u0000b.toml"', "top.toml:1:11", "a b.toml: cannot be read"),
        ('"loop.toml"', "top.toml:1:11", "loop.toml: cannot be read"),
        (f'"{"x" * 300}.toml"', "top.toml:1:11", "x"),
        ('["right.toml", 3]', "top.toml:1:26", '"extends" must be the name of a file or a'),
        ('["right.toml", "no.toml"]', "top.toml:1:26", "no.toml: there is no such file"),
        ('"./sub/../top.toml"', "top.toml:1:11", f"{CIRCLE}: top.toml extends top.toml"),
    ],
    ids=lambda value: value[:20],
)
def test_an_unusable_base_is_reported_at_its_name_and_no_key_is_called_missing(
    files, reported, tmp_path, extends, place, message
):
    files(top=f"extends = {extends}\n{OWN}", right="[training]\nepochs = 0\n", sub__x="")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    problems = reported()
    assert problems[0][:2] == (place, "E006")
    assert problems[0][2].startswith(message)
    assert [problem[1] for problem in problems[1:]] == ["E013"] * (len(problems) - 1)
    assert ("top.toml:3:8", "E013", '"seed" must be at least 0, not -1') in problems


def test_a_chain_of_very_many_files_is_refused(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"')
    with pytest.raises(SpecError, match="more than 50 files extend one another"):
        load_spec(tmp_path / "0.toml")


def test_a_base_named_twice_at_every_level_is_read_once(tmp_path):
    for number in range(40):
        name = f"{number + 1}.toml"
        (tmp_path / f"{number}.toml").write_text(f'extends = ["{name}", "{name}"]')
    (tmp_path / "40.toml").write_text("sede = 1")
    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "0.toml")
    assert [problem.code for problem in caught.value.problems].count("E010") == 1


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
RIGHT = BASE.replace("_eror", "_error").replace("momentum = 2", "")
TWICE = RIGHT.replace("epochs = 1", "epochs = 1\nepochs = 2")


SEVERAL = '[training]\nepoch = 1\n[optimizer]\ndecay = "0"\n'


@pytest.mark.parametrize(
    ("base", "top", "overrides", "expected"),
    [
        (BASE, SEVERAL, (), "top:3:1 E010, top:5:9 E012, base:2:8 E015, base:9:12 E013"),
        (BASE, 'loss = "mean_squared_error"\noptimizer = "adam"\n', (), ""),
        (RIGHT.replace("_error", "_eror"), "[loss]\nx = 1\n", (), "top:3:1 E010, base:2:8 E015"),
        (BASE, "", ("optimizer.momentum=3", "loss=x"), "--set:1:6 E015, --set:1:20 E013"),
        (RIGHT.replace("declnet = 1", "declnet = 99"), "", (), "base:1:11 E007"),
        (RIGHT.replace("declnet = 1", ""), "", (), "top:1:1 E007"),
        (TWICE, "seed = 1\nseed = 2\n", (), "top:3:1 E003, base:12:1 E003"),
    ],
    ids=["both", "replaced", "bare name", "overrides", "version", "no version", "twice"],
)
def test_errors_are_reported_in_the_file_or_override_that_has_them(
    files, reported, base, top, overrides, expected
):
    files(base=base, top=f'extends = "base.toml"\n{top}')
    problems = [f"{place} {code}" for place, code, _ in reported(overrides=overrides)]
    assert ", ".join(problems).replace(".toml", "") == expected
