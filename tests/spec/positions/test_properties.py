"""What holds for every text, whoever wrote it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.errors import KeyPath
from declnet.spec.positions.duplicate import blank_out
from declnet.spec.positions.index import Positions, index_document
from declnet.spec.positions.spot import Spot

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
scalars = st.booleans() | numbers | names
dates = st.dates() | st.datetimes() | st.times()
toml_values = st.recursive(
    scalars | dates, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner)
)
json_values = st.recursive(
    scalars | st.none(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner)
)


def paths(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    yield path, value
    if isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, part))


def deepest(value: Any) -> int:
    return max(len(path) for path, inner in paths(value) if isinstance(inner, dict | list))


def spot_of(positions: Positions, path: KeyPath) -> Spot:
    spot = positions.spot(path)
    assert spot is not None, path
    return spot


@settings(max_examples=200)
@given(st.dictionaries(names, toml_values), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_every_path_of_a_toml_document_stands_where_its_text_says(cut, document, multiline, end):
    text = tomli_w.dumps(document, multiline_strings=multiline)
    if not multiline:  # else the strings would change
        text = text.replace("\n", end)
    positions = index_document(text, "toml")
    document = tomllib.loads(text)
    assert positions.duplicates == ()
    assert positions.deepest == deepest(document)
    for path, value in paths(document):
        spot = spot_of(positions, path)
        written = cut(text, spot.value)
        if spot.key is not None:
            assert tomllib.loads(f"{cut(text, spot.key)} = 0") == {path[-1]: 0}
        if not path:
            assert written == text
        elif spot.value == spot.key:
            assert isinstance(value, dict)
        elif headed(spot, value, written):
            assert tables_of(written) == [part for part in path if isinstance(part, str)]
        else:
            assert tomllib.loads(f"value = {written}") == {"value": value}


def headed(spot: Spot, value: Any, written: str) -> bool:
    """Whether the value is the header of a table, or of an array's first."""
    if isinstance(value, dict):
        return not written.startswith("{")
    return isinstance(value, list) and spot.key is not None and spot.value.column < spot.key.column


def tables_of(header: str) -> list[str]:
    value, names_of_tables = tomllib.loads(header), []
    while value:
        ((name, value),) = value.items()
        names_of_tables.append(name)
        value = value[0] if isinstance(value, list) else value
    return names_of_tables


@settings(max_examples=200)
@given(json_values, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_every_path_of_a_json_document_stands_where_its_text_says(cut, document, indent, escaped):
    text = json.dumps(document, indent=indent, ensure_ascii=escaped)
    positions = index_document(text, "json")
    assert positions.duplicates == ()
    if isinstance(document, dict | list):
        assert positions.deepest == deepest(document)
    for path, value in paths(document):
        spot = spot_of(positions, path)
        assert json.loads(cut(text, spot.value)) == value
        named = bool(path) and isinstance(path[-1], str)
        assert (spot.key is not None) == named
        if spot.key is not None:
            assert json.loads(cut(text, spot.key)) == path[-1]


keys = st.lists(st.sampled_from(["a", "b", "'a'", '"\\u0062"', "c"]), min_size=1, max_size=3).map(
    ".".join
)
values = st.recursive(
    st.sampled_from(["1", '"é"', "[]", "{}", '"""a\nb"""', "1979-05-27"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[\n{', '.join(items)}]")
        | st.lists(st.tuples(keys, inner).map("=".join), max_size=3).map(
            lambda items: f"{{{', '.join(items)}}}"
        )
    ),
    max_leaves=5,
)
statements = (
    st.tuples(keys, values).map(" = ".join) | keys.map("[{}]".format) | keys.map("[[{}]]".format)
)


@settings(max_examples=600)
@given(st.lists(statements, max_size=8).map("\n".join))
def test_without_its_duplicates_tomllib_takes_the_text_and_finds_the_first_values(cut, text):
    positions = index_document(text, "toml")
    duplicates = positions.duplicates
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert duplicates
    else:
        assert not duplicates
    without = blank_out(text, duplicates)
    assert len(without) == len(text)
    document = tomllib.loads(without)
    for path, value in paths(document):
        spot = spot_of(positions, path)
        if not isinstance(value, dict | list):
            assert tomllib.loads(f"value = {cut(text, spot.value)}") == {"value": value}
    for duplicate in duplicates:
        first, second = duplicate.first, duplicate.second
        assert (first.line, first.column) < (second.line, second.column)
        assert text[duplicate.start : duplicate.end].strip()


@given(st.dictionaries(names.filter(bool), toml_values, min_size=1), st.data())
def test_repeated_pairs_and_headers_leave_the_document_as_it_was(document, data):
    text = tomli_w.dumps(document)
    original = tomllib.loads(text)
    name = data.draw(st.sampled_from(sorted(original)))
    again = tomli_w.dumps({name: 0})
    first_header = next(
        (i for i, line in enumerate(text.split("\n")) if line.startswith("[")), None
    )
    repeated = again + text if first_header is not None else text + again
    positions = index_document(repeated, "toml")
    assert positions.duplicates
    assert {duplicate.path[0] for duplicate in positions.duplicates} == {name}
    kept = tomllib.loads(blank_out(repeated, positions.duplicates))
    expected = {**original, name: 0} if first_header is not None else original
    assert kept == expected


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

    duplicates = index_document(text, "json").duplicates
    without = json.loads(blank_out(text, duplicates))
    assert repr(sorted_keys(without)) == repr(
        sorted_keys(json.loads(text, object_pairs_hook=first_values))
    )
    assert bool(duplicates) == (repr(without).count(":") < text.count(":"))


def sorted_keys(value: Any) -> Any:
    return json.dumps(value, sort_keys=True)


marks = list(" \n\r\t.,:=[]{}#\"'\\\x00")
words = ["a", '"a"', "'b'", "é", "😀", "\ud800", "1", "NaN", "null", "[[", "]]", '"""', "'''"]
pieces = st.sampled_from([*marks, *words, "a=1\n", "[a]\n", "[[a]]\n", '"a":1,'])


@settings(max_examples=500)
@given(
    st.lists(pieces).map("".join) | st.text(st.characters(exclude_categories=[])),
    st.sampled_from(["toml", "json"]),
)
def test_any_text_is_indexed_and_every_span_is_inside_of_it(cut, text, syntax):
    positions = index_document(text, syntax)
    for path in [(), ("a",), ("b",), ("a", "a"), ("a", 0), (0,), (1,), ("a", 0, "a"), (0, "a")]:
        spot = positions.spot(path)
        if spot is not None:
            cut(text, spot.value)
            assert spot.key is None or cut(text, spot.key)
    for duplicate in positions.duplicates:
        assert cut(text, duplicate.first)
        assert cut(text, duplicate.second)
        assert 0 <= duplicate.start < duplicate.end <= len(text)
    assert len(blank_out(text, positions.duplicates)) == len(text)
    for limit in range(positions.deepest):
        span = positions.too_deep(limit)
        assert span is not None
        assert cut(text, span)
