"""One document laid over another: what counts, and who wrote it."""

from __future__ import annotations

import pytest

from declnet.spec.merging import merged
from declnet.spec.source import Source
from declnet.spec.written import Origin, Written

UNDER, OVER = Source("under.toml", "", "toml"), Source("over.toml", "", "toml")


def laid(under, over):
    document, origin = merged(under, Origin(UNDER), over, Origin(OVER))
    return Written(document, origin)


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
    written = laid(
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
    assert written.writer_of(path) is writer


def test_the_uppermost_of_three_is_the_writer_of_what_all_have():
    third = Source("third.toml", "", "toml")
    both = laid({"t": {"a": 1, "b": 1, "c": 1}}, {"t": {"b": 2, "c": 2}})
    written = Written(*merged(both.document, both.origin, {"t": {"c": 3}}, Origin(third)))
    assert written.document == {"t": {"a": 1, "b": 2, "c": 3}}
    writers = [written.writer_of(("t", key)) for key in "abc"]
    assert writers == [UNDER, OVER, third]
