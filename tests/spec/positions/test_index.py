from __future__ import annotations

import subprocess
import sys

import pytest

from declnet.spec.positions.index import index_document
from declnet.spec.positions.span import Span
from declnet.spec.positions.spot import Spot

MANY = 100_000


@pytest.mark.parametrize("syntax", ["toml", "json"])
@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n", "\t"])
def test_an_empty_text_has_only_itself(text, syntax):
    positions = index_document(text, syntax)
    spot = positions.spot(())
    assert spot is not None
    assert spot.key is None
    assert (spot.value.line, spot.value.column) == (1, 1)
    assert positions.spot(("a",)) is None
    assert positions.duplicates == ()
    assert positions.deepest == 0
    assert positions.too_deep(0) is None


def test_the_document_of_toml_is_the_text_and_of_json_its_value():
    assert index_document("a = 1\n", "toml").spot(()) == Spot(None, Span(1, 1, 2, 1))
    assert index_document(' {"a": 1}\n', "json").spot(()) == Spot(None, Span(1, 2, 1, 10))


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("a = [1]\n0 = 1\n[b]\nx.y = 1", "toml"),
        ('{"a": [1], "0": 1, "b": {"x": {"y": 1}}}', "json"),
    ],
)
def test_only_the_very_path_has_a_spot(text, syntax):
    positions = index_document(text, syntax)
    for path in [("a", 0), ("0",), ("b", "x", "y")]:
        assert positions.spot(path) is not None
    for path in [(0,), ("a", "0"), ("a", 1), ("a", -1), ("x",), ("b", "y"), ("a", 0, "z"), ("",)]:
        assert positions.spot(path) is None


@pytest.mark.parametrize(
    ("text", "syntax", "deepest", "starts"),
    [
        ("a = 1", "toml", 0, []),
        ("a = []\nb = [[]]", "toml", 2, [(1, 5), (2, 6)]),
        ("a = {b = {c = [1]}}", "toml", 3, [(1, 5), (1, 10), (1, 15)]),
        ("a.b.c = 1\nd = []", "toml", 2, [(1, 1), (1, 3)]),
        ("[a.b]\nc.d = {}", "toml", 4, [(1, 2), (1, 4), (2, 1), (2, 7)]),
        ("[a]\n[[b.c]]\nd = []", "toml", 4, [(1, 2), (2, 5), (2, 5), (3, 5)]),
        ("[[a]]\n[[a.b]]\n", "toml", 4, [(1, 3), (1, 3), (2, 5), (2, 5)]),
        ("a = 1\n[a.b.c]\n", "toml", 3, [(2, 2), (2, 4), (2, 6)]),
        ('{"a": 1}', "json", 0, []),
        ('{"a": {"b":\n[{}]}}', "json", 3, [(1, 7), (2, 1), (2, 2)]),
        ("[[], [[]]]", "json", 2, [(1, 2), (1, 7)]),
        ('{"a": 1, "a": [[]]}', "json", 2, [(1, 15), (1, 16)]),
    ],
)
def test_depth_counts_the_tables_and_lists_inside_of_each_other(text, syntax, deepest, starts):
    positions = index_document(text, syntax)
    assert positions.deepest == deepest
    spans = [positions.too_deep(limit) for limit in range(deepest)]
    assert [(span.line, span.column) for span in spans if span is not None] == starts
    assert positions.too_deep(deepest) is None
    assert positions.too_deep(deepest + 1) is None


@pytest.mark.parametrize(
    ("text", "syntax", "deepest"),
    [
        ("a = " + "[" * MANY + "]" * MANY, "toml", MANY),
        ("a = " + "{a = " * MANY + "1" + "}" * MANY, "toml", MANY),
        ("a." * MANY + "a = 1", "toml", MANY),
        ("[" + "a." * MANY + "a]", "toml", MANY + 1),
        ("[" * MANY + "]" * MANY, "json", MANY - 1),
        ('{"a": ' * MANY + "1" + "}" * MANY, "json", MANY - 1),
        ("a = " + "[" * MANY, "toml", MANY),
        ("a = " + "{a = " * MANY, "toml", MANY),
        ("[" * MANY, "json", MANY - 1),
        ('{"a": [' * (MANY // 2), "json", MANY - 1),
    ],
)
def test_depth_has_no_limit_even_where_brackets_stay_open(text, syntax, deepest):
    positions = index_document(text, syntax)
    assert positions.deepest == deepest
    span = positions.too_deep(64)
    assert span is not None
    assert text[span.column - 1 : span.end_column - 1] in {"[", "{", "a"}


def test_a_path_as_deep_as_the_text_is_found():
    positions = index_document("a = " + "[" * MANY + "]" * MANY, "toml")
    last = positions.spot(("a", *[0] * (MANY - 1)))
    assert last == Spot(None, Span(1, MANY + 4, 1, MANY + 6))


def test_many_duplicates_in_one_long_line_are_found():
    text = "{" + ", ".join(['"é": 1'] * 5000) + "}"
    duplicates = index_document(text, "json").duplicates
    assert len(duplicates) == 4999
    assert duplicates[-1].second == Span(1, 4999 * 8 + 2, 1, 4999 * 8 + 5)


def test_tree_sitter_is_loaded_when_a_text_is_indexed_and_not_before():
    code = """
import sys
from declnet.spec.positions.index import index_document
print([name for name in sys.modules if name.startswith("tree_sitter")])
index_document("a = 1", "toml")
print(sorted(name for name in sys.modules if name in ("tree_sitter_json", "tree_sitter_toml")))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["[]", "['tree_sitter_toml']"]
