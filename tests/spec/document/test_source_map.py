"""Where values of a document are written that has several writers."""

from __future__ import annotations

import tomllib

import pytest

from declnet.spec.document.compose import merged
from declnet.spec.document.overrides import apply_override, parse_override
from declnet.spec.document.source_map import Origin, Source, SourceMap

TOML = "# ü\r\nseed = 1\r\n[training]\r\n\tepochs = 'ten'  # 漢\r\n"


@pytest.mark.parametrize(
    ("text", "start", "end", "expected", "line"),
    [
        ("ab\r\ncd", 1, 6, (1, 2, 2, 3), "ab"),
        ("é日😀", 2, 3, (1, 3, 1, 4), "é日😀"),
        ("e\u0301x", 2, 3, (1, 3, 1, 4), "e\u0301x"),  # two characters, though one is seen
        ("a\u2028b\x85c\x0cd", 6, 7, (1, 7, 1, 8), "a\u2028b\x85c\x0cd"),  # no line breaks
        ("\ud800x", 1, 2, (1, 2, 1, 3), "\ud800x"),
        (TOML, TOML.index("epochs"), TOML.index(" = 'ten"), (4, 2, 4, 8), "\tepochs = 'ten'  # 漢"),
        (TOML, len(TOML), len(TOML), (5, 1, 5, 1), ""),
    ],
)
def test_columns_count_characters_and_only_line_feeds_end_lines(text, start, end, expected, line):
    place = Source("spec.toml", text, "toml").place(start, end)
    assert (place.line, place.column, place.end_line, place.end_column) == expected
    assert place.text == line


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


def map_of(text, name):
    return SourceMap(tomllib.loads(text), Origin(Source(name, text, "toml")))


def overridden(source_map, *texts):
    for number, text in enumerate(texts, start=1):
        assert apply_override(source_map, parse_override(text, number)) is None
    return source_map


@pytest.fixture
def source_map():
    """The top laid over the base, with two overrides."""
    both = merged(map_of(BASE, "base.toml"), map_of(TOP, "top.toml"))
    return overridden(both, "training.epochs=ten", "data.test.type=npz")


def marked(place):
    return f"{place}", place.text[place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize(
    ("path", "focus", "where", "text"),
    [
        (("seed",), "key", "base.toml:1:1", "seed"),
        (("loss",), "value", "base.toml:2:8", '"nope"'),
        (("training", "epochs"), "value", "--set:1:17", "ten"),
        (("training", "epochs"), "key", "--set:1:1", "training.epochs"),
        (("training",), "value", "top.toml:3:1", "[training]"),
        (("optimizer", "decay"), "value", "top.toml:2:9", "0.1"),
        (("optimizer", "type"), "value", "base.toml:3:13", '"sgd"'),
        (("optimizer",), "value", "base.toml:3:13", '"sgd"'),
        (("model", "layers", 0, "missing"), "value", "base.toml:8:3", '"relu"'),
        (("model", "layers"), "value", "base.toml:7:1", "layers"),
        (("data", "test", "type"), "value", "--set:2:16", "npz"),
        (("data", "train"), "value", "--set:2:1", "data"),
        (("missing", 3, "deeper"), "key", "top.toml:1:1", ""),
        ((), "value", "top.toml:1:1", ""),
    ],
)
def test_a_path_has_the_place_of_its_innermost_written_value(source_map, path, focus, where, text):
    assert marked(source_map.place_of(path, focus)) == (where, text)


def test_a_bare_name_of_an_override_that_gets_keys_is_reported_at_the_name():
    source_map = overridden(SourceMap({}), "loss=nope", "loss.weight=2")
    for path in (("loss", "type"), ("loss",)):
        assert str(source_map.place_of(path)) == "--set:1:6"
    assert str(source_map.exact_place(("loss", "type"))) == "--set:1:6"
    assert source_map.exact_place(("loss", "smoothing")) is None
