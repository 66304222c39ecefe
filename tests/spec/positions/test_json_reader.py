from __future__ import annotations

import json

import pytest

from declnet.spec.positions.duplicate import blank_out
from declnet.spec.positions.index import index_document
from declnet.spec.positions.span import Span
from declnet.spec.positions.spot import Spot

SPEC = """\
{
\t"name": "日本 😀", "é": null,
  "model": {"layers": [
    {"type": "dense", "units": 64},
    "relu"
  ]}
}
"""


def at(line: int, column: int, end_column: int, end_line: int | None = None) -> Span:
    return Span(line, column, end_line or line, end_column)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), None, at(1, 1, 2, end_line=7)),
        (("name",), at(2, 2, 8), at(2, 10, 16)),
        (("é",), at(2, 18, 21), at(2, 23, 27)),
        (("model",), at(3, 3, 10), at(3, 12, 5, end_line=6)),
        (("model", "layers"), at(3, 13, 21), at(3, 23, 4, end_line=6)),
        (("model", "layers", 0), None, at(4, 5, 35)),
        (("model", "layers", 0, "units"), at(4, 23, 30), at(4, 32, 34)),
        (("model", "layers", 1), None, at(5, 5, 11)),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_form_has_its_spot_whatever_ends_the_lines(path, key, value, end):
    assert index_document(SPEC.replace("\n", end), "json").spot(path) == Spot(key, value)


@pytest.mark.parametrize("name", ["a", "", "\\", '"', "\n", "é", "😀", "\ud800", "a/b"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_keys_are_decoded_and_their_spans_are_as_written(name, ascii_only):
    written = json.dumps(name, ensure_ascii=ascii_only)
    found = index_document(f"{{{written}: 1}}", "json").spot((name,))
    end = len(written) + 2
    assert found == Spot(at(1, 2, end), at(1, end + 2, end + 3))


@pytest.mark.parametrize(
    ("text", "path", "second", "without"),
    [
        ('{"a": 1, "a": 2, "b": 3}', ("a",), at(1, 10, 13), '{"a": 1        , "b": 3}'),
        ('{"é": 1 ,\r\n"\\u00e9": {}}', ("é",), at(2, 1, 9), '{"é": 1 ' + " " * 15 + "}"),
        ('[0, {"a": 1, "a": [{}]}]', (1, "a"), at(1, 14, 17), '[0, {"a": 1           }]'),
    ],
)
def test_a_key_that_stands_twice_is_found(text, path, second, without):
    (duplicate,) = index_document(text, "json").duplicates
    assert duplicate.path == path
    assert duplicate.second == second
    assert (duplicate.first.line, duplicate.first.column) < (second.line, second.column)
    assert blank_out(text, [duplicate]) == without
    json.loads(without)


def test_of_a_key_that_stands_twice_the_first_is_indexed():
    positions = index_document('{"a": {"x": 1}, "a": {"y": 2}}', "json")
    assert positions.spot(("a", "x")) is not None
    assert positions.spot(("a", "y")) is None


@pytest.mark.parametrize(
    ("text", "found", "lost"),
    [
        ('{"a": 1 "b": 2}', [("a",), ("b",)], []),
        ('{"a": 1,, "b": 2,}', [("a",), ("b",)], []),
        ('{a: 1, "b": 2}', [()], [("a",), ("b",)]),
        ('// no comments\n{"a": [1, /* one */ 2]}', [("a", 1)], [("a", 2)]),
        ('{"a": {"b": [1, 2}}', [("a", "b", 1)], []),
        ('{"a": 1} {"b": 2}', [("a",)], [("b",)]),
        ('{"a\n": 1, "b": 2}', [("b",)], []),
        ('{"a": 1, "b" 2}', [("a",)], [("b",)]),
        ('[{"a":1"a":1[]', [], [(0, "a")]),
        ('["a", tru, "b"]', [(0,), (1,)], [(2,)]),
    ],
)
def test_of_a_malformed_text_what_is_whole_is_found(text, found, lost):
    positions = index_document(text, "json")
    for path in found:
        assert positions.spot(path) is not None, path
    for path in lost:
        assert positions.spot(path) is None, path
    assert positions.duplicates == ()


@pytest.mark.parametrize("text", ['{a: 1, "b": 2}', "{1", "]"])
def test_a_text_with_no_value_of_its_own_is_the_document(text):
    assert index_document(text, "json").spot(()) == Spot(None, at(1, 1, len(text) + 1))


def test_of_a_duplicate_with_no_comma_before_it_only_the_pair_is_blanked_out():
    text = '{,"a":1"a":1"b":2}'
    (duplicate,) = index_document(text, "json").duplicates
    assert text[duplicate.start : duplicate.end] == '"a":1'
