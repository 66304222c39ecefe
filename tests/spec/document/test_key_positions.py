"""Positions of the keys and values in a text, and its duplicate keys."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.errors import KeyPath
from declnet.spec.document.key_positions import (
    KeyPositions,
    Range,
    Spot,
    blank_out,
    first_deeper_bracket,
)


def parts(path: str) -> KeyPath:
    """Return a path written with spaces between its parts."""
    return tuple(int(part) if part.isdecimal() else part for part in path.split())


def cut(text: str, where: Range) -> str:
    """Return the text of a range, which must be inside it."""
    assert 0 <= where[0] <= where[1] <= len(text)
    return text[slice(*where)]


def marked(text: str, where: Range | None) -> tuple[int, int, str] | None:
    """Return the line and column of a range, and its text."""
    if where is None:
        return None
    before = text[: where[0]].split("\n")
    return len(before), len(before[-1]) + 1, cut(text, where)


def spot_of(positions: KeyPositions, path: KeyPath) -> Spot:
    spot = positions.spot(path)
    assert spot is not None, path
    return spot


@pytest.mark.parametrize(
    ("text", "path", "first", "second"),
    [
        ("a = 1  # 1\n'a' = 2  # 2\n", "a", "1 a", "2 'a'"),
        ("x = {a = 1, a = [2], b = 3}", "x a", "1 a", "1 a"),
        ("a.b = 1\na.b = 2", "a b", "1 b", "2 b"),
        ("a.b = 1\na = 2", "a", "1 a", "2 a"),
        ("[a]\nx = 1\n[a]\ny = 2\n[b]", "a", "1 [a]", "3 [a]"),
        ("a = 1\n[a.b]\n", "a", "1 a", "2 a"),
        ("[[a]]\n[a]\nx = 1", "a", "1 [[a]]", "2 [a]"),
        ("[a.b]\n[[a]]\n", "a", "1 a", "2 [[a]]"),
        ("a.b = 1\n[a]\n", "a", "1 a", "2 [a]"),
        ("[a]\nb.c = 1\n[a.b]\n", "a b", "2 b", "3 [a.b]"),
        ("[a.b]\n[a]\nb.c = 1\n", "a b", "1 [a.b]", "3 b"),
        ("[[a]]\n[[a]]\nx = 1\nx = 2", "a 1 x", "3 x", "4 x"),
        # the pair is left out, so the header below it may open its table
        ("[a.b.c]\n[a]\nb.c.d = 1\n[a.b]\n", "a b c", "1 [a.b.c]", "3 c"),
        ('{"é": 1 ,\r\n"\\u00e9": {}}', "é", '1 "é"', '2 "\\u00e9"'),
        # a malformed line after it
        ("x = [\n{ a = 1, a = 2 },\n{ b = 3 \n]\n", "x 0 a", "2 a", "2 a"),
    ],
)
def test_a_duplicate_has_its_path_and_both_places(text, path, first, second):
    syntax = "json" if text.endswith(("}}", "}]")) else "toml"
    (duplicate,) = KeyPositions(text, syntax).duplicates
    assert duplicate.path == parts(path)
    assert duplicate.first < duplicate.second
    for where, expected in [(duplicate.first, first), (duplicate.second, second)]:
        line, _, written = marked(text, where)
        assert f"{line} {written}" == expected


@pytest.mark.parametrize(
    ("text", "intact", "lost"),
    [
        ("a = \nb = 2\n[c]\nd = 1", ["b", "c d"], ["a"]),
        ("[a\nb=1\n[c]\nd=1\n", ["c d"], ["a b"]),
        ("[a.]\nb = 1\n[c]\nd = 1", ["c d"], ["a", "a b", "b"]),
        ("[a b]\nc = 1\n[d]\ne = 1", ["d e"], ["c", "a c", "b c"]),
        ("a = [1,, 2]\nb = 1", ["a 0", "b"], ["a 2"]),
        ("a = {b = 1,\n c = 2}\nd = 1", ["a b", "a c", "d"], []),  # TOML 1.1 allows the break
    ],
)
def test_well_formed_parts_of_a_malformed_text_are_found(text, intact, lost):
    positions = KeyPositions(text, "toml")
    for path in intact:
        assert positions.spot(parts(path)) is not None, path
    for path in lost:
        assert positions.spot(parts(path)) is None, path


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
scalars = st.booleans() | numbers | names
dates = st.dates() | st.datetimes() | st.times()
lists = partial(st.lists, max_size=4)
tables = partial(st.dictionaries, names, max_size=4)
toml_values = st.recursive(
    scalars | dates, lambda inner: lists(inner) | tables(inner), max_leaves=20
)
json_values = st.recursive(
    scalars | st.none(), lambda inner: lists(inner) | tables(inner), max_leaves=20
)


def paths(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if path:
        yield path, value
    if isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, part))


@given(tables(toml_values), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_every_path_of_a_toml_document_is_where_its_text_says(document, multiline, end):
    text = tomli_w.dumps(document, multiline_strings=multiline)
    if not multiline:  # else the strings would change
        text = text.replace("\n", end)
    positions = KeyPositions(text, "toml")
    assert positions.duplicates == []
    for path, value in paths(tomllib.loads(text)):
        spot = spot_of(positions, path)
        written = cut(text, spot.value)
        if spot.key is not None:
            assert tomllib.loads(f"{cut(text, spot.key)} = 0") == {path[-1]: 0}
        if spot.value == spot.key:
            assert isinstance(value, dict)
        elif headed(spot, value, written):
            assert tables_of(written) == [part for part in path if isinstance(part, str)]
        else:
            assert tomllib.loads(f"value = {written}") == {"value": value}


def headed(spot: Spot, value: Any, written: str) -> bool:
    """Return whether the value is the header of a table, or of the first table of an array."""
    if isinstance(value, dict):
        return not written.startswith("{")
    return isinstance(value, list) and spot.key is not None and spot.value < spot.key


def tables_of(header: str) -> list[str]:
    value, names_of_tables = tomllib.loads(header), []
    while value:
        ((name, value),) = value.items()
        names_of_tables.append(name)
        value = value[0] if isinstance(value, list) else value
    return names_of_tables


@given(json_values, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_every_path_of_a_json_document_is_where_its_text_says(document, indent, escaped):
    text = json.dumps(document, indent=indent, ensure_ascii=escaped)
    positions = KeyPositions(text, "json")
    assert positions.duplicates == []
    for path, value in paths(document):
        spot = spot_of(positions, path)
        assert json.loads(cut(text, spot.value)) == value
        assert (spot.key is not None) == isinstance(path[-1], str)
        if spot.key is not None:
            assert json.loads(cut(text, spot.key)) == path[-1]


keys = st.lists(st.sampled_from(["a", "b", "'a'", '"\\u0062"', "c"]), min_size=1, max_size=3).map(
    ".".join
)
values = st.recursive(
    st.sampled_from(["1", '"é"', "[]", "{}", '"""a\nb"""', "1979-05-27", "1#é"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + "\n, ".join(items) + "\n]")
        | st.lists(st.tuples(keys, inner.filter(lambda text: "#" not in text)), max_size=3).map(
            lambda pairs: f"{{{', '.join(map('='.join, pairs))}}}"
        )
    ),
    max_leaves=5,
)
statements = (
    st.tuples(keys, values).map(" = ".join) | keys.map("[{}]".format) | keys.map("[[{}]]".format)
)


@settings(max_examples=3 * settings().max_examples)
@given(st.lists(statements, max_size=8).map("\n".join))
def test_tomllib_reads_the_first_values_of_a_text_without_its_duplicates(text):
    positions = KeyPositions(text, "toml")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert positions.duplicates
    else:
        assert not positions.duplicates
    without = blank_out(text, positions.duplicates)
    assert len(without) == len(text)
    for path, value in paths(tomllib.loads(without)):
        spot = spot_of(positions, path)
        if not isinstance(value, dict | list):
            assert tomllib.loads(f"value = {cut(text, spot.value)}") == {"value": value}
    for duplicate in positions.duplicates:
        assert duplicate.first < duplicate.second
        assert cut(text, duplicate.extent).strip()


def test_duplicates_keep_line_breaks_outside_inline_tables():
    text = "a = 1\na = [\n  2,\n]\nb = { c = 1, c = [\n 2 ] }\n"
    without = blank_out(text, KeyPositions(text, "toml").duplicates)
    assert [line.rstrip() for line in without.split("\n")[:4]] == ["a = 1", "", "", ""]
    assert tomllib.loads(without) == {"a": 1, "b": {"c": 1}}


json_pairs = st.recursive(
    st.sampled_from(["1", '"é"', "NaN", "[]"]),
    lambda inner: st.lists(
        st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"']), inner).map(":".join), max_size=4
    ).map(lambda pairs: f"{{{' , '.join(pairs)}}}"),
)


@given(json_pairs)
def test_without_its_duplicates_json_has_the_first_values(text):
    def first_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(reversed(pairs))

    def in_order(value: Any) -> str:
        return json.dumps(value, sort_keys=True)

    duplicates = KeyPositions(text, "json").duplicates
    without = json.loads(blank_out(text, duplicates))
    assert in_order(without) == in_order(json.loads(text, object_pairs_hook=first_values))
    assert bool(duplicates) == (repr(without).count(":") < text.count(":"))


marks = list(" \n\r\t.,:=[]{}#\"'\\\x00")
words = ["a", '"a"', "'b'", "é", "😀", "\ud800", "1", "NaN", "null", "[[", "]]", '"""', "'''"]
pieces = st.sampled_from([*marks, *words, "a=1\n", "[a]\n", "[[a]]\n", '"a":1,'])


@settings(max_examples=3 * settings().max_examples)
@given(
    st.lists(pieces).map("".join) | st.text(st.characters(exclude_categories=[])),
    st.sampled_from(["toml", "json"]),
)
def test_any_text_is_indexed_and_every_range_is_inside_it(text, syntax):
    positions = KeyPositions(text, syntax)
    for path in [("a",), ("b",), ("a", "a"), ("a", 0), (0,), (1,), ("a", 0, "a"), (0, "a")]:
        spot = positions.spot(path)
        if spot is not None:
            cut(text, spot.value)
            assert spot.key is None or cut(text, spot.key)
    for duplicate in positions.duplicates:
        assert all(cut(text, span) for span in duplicate[1:])
    assert len(blank_out(text, positions.duplicates)) == len(text)
    where = first_deeper_bracket(text, syntax, 1)
    assert where is None or cut(text, where) in ("[", "[[", "{")
