"""Overrides: parsing, the places of their parts, and their effects."""

from __future__ import annotations

import copy

import pytest

from declnet import SpecError
from declnet.spec.document.overrides import apply_override, override_of, parse_override
from declnet.spec.document.source_map import Origin, Source, SourceMap


def marked(place):
    """Return the characters that a place marks."""
    return place.text[place.column - 1 : place.end_column - 1]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("training.epochs=10", "training.epochs", 10),
        ("optimizer.learning_rate=5e-2", "optimizer.learning_rate", 0.05),
        ('name="quoted name"', "name", "quoted name"),
        ('loss={type="x", a=1}', "loss", {"type": "x", "a": 1}),
        ("name=a=b", "name", "a=b"),
        ("name=", "name", ""),
        (" seed = 3", "seed", 3),
        ("name=#1", "name", "#1"),
        ("name=" + "[" * 5000, "name", "[" * 5000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_are_read_as_toml_or_as_plain_strings(text, key, value):
    parsed = parse_override(text)
    assert (parsed.key, parsed.value) == (key, value)
    assert type(parsed.value) is type(value)


@pytest.mark.parametrize("text", ["training.epochs", "", " =3"])
def test_an_override_needs_a_key_and_an_equals_sign(text):
    with pytest.raises(SpecError) as caught:
        parse_override(text, 2)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("E005", f'"{text}" is not a valid override')
    assert (problem.place.file, problem.place.line) == ("--set", 2)
    assert marked(problem.place) == text


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("seed", ("seed",)),
        ("model.layers.0.units", ("model", "layers", 0, "units")),
        ("model.layers.-1", ("model", "layers", "-1")),
        ("a.²", ("a", "²")),
        ("a." + "9" * 30, ("a", "9" * 30)),
    ],
)
def test_numbers_in_a_key_count_items(key, path):
    assert override_of(key, 1).path == path


SOURCE = Source("spec.toml", "", "toml")
DOCUMENT = {
    "model": {"layers": [{"type": "dense", "units": 4}, "relu"]},
    "loss": "mean_squared_error",
    "none": [],
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
}


def applied(changes, document=DOCUMENT):
    """Return the document with overrides applied, and errors in the overrides."""
    source_map = SourceMap(copy.deepcopy(document), Origin(SOURCE))
    numbered = enumerate(changes.items(), start=1)
    overrides = [override_of(key, value, number) for number, (key, value) in numbered]
    problems = [apply_override(source_map, override) for override in overrides]
    return source_map, [problem for problem in problems if problem is not None]


def test_a_value_is_replaced_and_others_keep_their_writers():
    result, _ = applied({"model.layers.0.units": 32})
    assert result.document["model"]["layers"] == [{"type": "dense", "units": 32}, "relu"]
    assert result.writer_of(("model", "layers", 0, "units")).key == "model.layers.0.units"
    assert result.writer_of(("model", "layers", 0, "type")) is SOURCE


@pytest.mark.parametrize(
    ("key", "value", "path", "expected"),
    [
        ("training.epochs", 5, ("training",), {"epochs": 5}),
        ("model.layers.1", "softmax", ("model", "layers", 1), "softmax"),
        ("model.layers.1.name", "r", ("model", "layers", 1), {"type": "relu", "name": "r"}),
        ("a.b.c", 1, ("a",), {"b": {"c": 1}}),
        ("data.0", 1, ("data",), {"0": 1}),
    ],
)
def test_keys_are_created_and_bare_names_become_tables(key, value, path, expected):
    result, errors = applied({key: value})
    place = result.document
    for part in path:
        place = place[part]
    assert place == expected
    assert errors == []
