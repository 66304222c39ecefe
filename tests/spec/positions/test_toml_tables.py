from __future__ import annotations

import tomllib

import pytest

from declnet.spec.positions.duplicate import blank_out
from declnet.spec.positions.index import index_document


@pytest.mark.parametrize(
    ("text", "path", "first", "second", "without"),
    [
        ("a = 1\na = 2", "a", (1, "a"), (2, "a"), "a = 1\n     "),
        ("a = 1  # 1\n'a' = 2  # 2\n", "a", (1, "a"), (2, "'a'"), "a = 1  # 1\n         # 2\n"),
        ("x = {a = 1, a = [2], b = 3}", "x a", (1, "a"), (1, "a"), "x = {a = 1         , b = 3}"),
        ("x = {a.b = 1, a = 2}", "x a", (1, "a"), (1, "a"), "x = {a.b = 1       }"),
        ("x = {a = 1, a.b = 2}", "x a", (1, "a"), (1, "a"), "x = {a = 1         }"),
        ("a.b = 1\na.b = 2", "a b", (1, "b"), (2, "b"), "a.b = 1\n       "),
        ("a = {}\na.b = 2", "a", (1, "a"), (2, "a"), "a = {}\n       "),
        ("a.b = 1\na = 2", "a", (1, "a"), (2, "a"), "a.b = 1\n     "),
        ("[a]\nx = 1\n[a]\ny = 2\n[b]", "a", (1, "[a]"), (3, "[a]"), "[a]\nx = 1\n   \n     \n[b]"),
        ("a = 1\n[a]\n", "a", (1, "a"), (2, "[a]"), "a = 1\n   \n"),
        ("a = 1\n[a.b]\n", "a", (1, "a"), (2, "a"), "a = 1\n     \n"),
        ("a = [{}]\n[[a]]\n", "a", (1, "a"), (2, "[[a]]"), "a = [{}]\n     \n"),
        ("[[a]]\n[a]\nx = 1", "a", (1, "[[a]]"), (2, "[a]"), "[[a]]\n   \n     "),
        ("[a]\n[[a]]\nx = 1", "a", (1, "[a]"), (2, "[[a]]"), "[a]\n     \n     "),
        ("[a.b]\n[[a]]\n", "a", (1, "a"), (2, "[[a]]"), "[a.b]\n     \n"),
        ("a.b = 1\n[a]\n", "a", (1, "a"), (2, "[a]"), "a.b = 1\n   \n"),
        ("[a]\nb.c = 1\n[a.b]\n", "a b", (2, "b"), (3, "[a.b]"), "[a]\nb.c = 1\n     \n"),
        ("[a.b]\n[a]\nb.c = 1\n", "a b", (1, "[a.b]"), (3, "b"), "[a.b]\n[a]\n       \n"),
        (
            "[a.b.c]\n[a]\nb.d = 1\n[a.b]",
            "a b",
            (1, "b"),
            (4, "[a.b]"),
            "[a.b.c]\n[a]\nb.d = 1\n     ",
        ),
        ("[[a.b]]\n[a]\nb.c = 1\n", "a b", (1, "[[a.b]]"), (3, "b"), "[[a.b]]\n[a]\n       \n"),
        ("[[a]]\n[[a]]\nx = 1\nx = 2", "a 1 x", (3, "x"), (4, "x"), "[[a]]\n[[a]]\nx = 1\n     "),
    ],
)
def test_what_tomllib_refuses_as_given_twice_is_found(text, path, first, second, without, cut):
    (duplicate,) = index_document(text, "toml").duplicates
    assert duplicate.path == tuple(int(p) if p.isdecimal() else p for p in path.split())
    assert (duplicate.first.line, cut(text, duplicate.first)) == first
    assert (duplicate.second.line, cut(text, duplicate.second)) == second
    assert blank_out(text, [duplicate]) == without
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    tomllib.loads(without)


@pytest.mark.parametrize(
    "text",
    [
        "a.b = 1\na.c = 2",
        "x = {a.b = 1, a.c = 2}",
        "[a.b]\n[a]\n[a.c]",
        "[a]\nb.c = 1\n[a.b.d]",
        "[a.b.c]\n[a]\nb.d = 1",
        "[[a]]\nx = 1\n[a.b]\n[[a]]\nx = 1\n[a.b]",
        "[[a.b]]\n[a]\nc = 1",
        "a = [{b = 1}, {b = 2}]",
        "[a]\nx = 1\n[b]\nx = 1",
        "a = 1\nA = 2",
    ],
)
def test_what_tomllib_takes_is_no_duplicate(text):
    tomllib.loads(text)
    assert index_document(text, "toml").duplicates == ()


def test_spots_are_those_of_the_text_without_its_duplicates():
    positions = index_document("a = 1\na = 2\n[b]\n[b]\nc = 3\nc = 4", "toml")
    found = positions.spot(("a",))
    assert found is not None
    assert found.value.line == 1
    assert positions.spot(("b", "c")) is None
    assert [duplicate.path for duplicate in positions.duplicates] == [("a",), ("b",), ("b", "c")]


def test_a_key_that_stands_thrice_has_two_duplicates():
    duplicates = index_document("a = 1\na = 2\na = 3", "toml").duplicates
    assert [(one.first.line, one.second.line) for one in duplicates] == [(1, 2), (1, 3)]


def test_a_table_that_a_repeated_key_leads_through_stays_as_it_was():
    text = "[a.b.c]\n[a]\nb.c.d = 1\n[a.b]\n"  # the pair is left out, so [a.b] is still free
    (duplicate,) = index_document(text, "toml").duplicates
    assert duplicate.path == ("a", "b", "c")
    assert tomllib.loads(blank_out(text, [duplicate])) == {"a": {"b": {"c": {}}}}


def test_a_repeated_header_is_blanked_out_to_the_end_of_its_last_line():
    text = "[a]\n[a]  # again\r\nb = [\n1]  # last\r\n\n[c]\n"
    (duplicate,) = index_document(text, "toml").duplicates
    assert text[duplicate.start : duplicate.end] == "[a]  # again\r\nb = [\n1]  # last"
