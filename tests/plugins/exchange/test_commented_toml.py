"""Commented TOML: values and comments are read back as they were written."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet import OutputError
from declnet_plugins.exchange.commented_toml import CommentedToml

HOSTILE = ["*/", '"""', "'''", "\\", "\n[data.train]\npath = 1", "\r", "\u2028", "]", "#", "\0"]
HOSTILE += ["\u202e", "\x7f", "\x85", "\t", "${x}", " = ", "a" * 10_000, "\\u000a", "'", '"', ""]

unicode = st.text(st.characters(exclude_categories=()))
texts = st.one_of(unicode, st.lists(st.sampled_from(HOSTILE)).map("".join))
scalars = st.one_of(texts, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
values = st.recursive(
    st.one_of(scalars, st.booleans()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
    max_leaves=5,
)


@given(st.dictionaries(texts, values), texts, st.lists(st.tuples(values, texts)), texts)
def test_values_and_comments_round_trip(pairs, table, rows, comment):
    written = CommentedToml()
    written.comment(comment)
    written.table(table)
    pairs.pop("rows", None)
    for key, value in pairs.items():
        written.pair(key, value)
    items, comments = [value for value, _ in rows], [text for _, text in rows]
    written.rows("rows", items, comments)
    document = {table: {**pairs, "rows": items}}
    try:
        content = written.content(document)
    except OutputError:
        assert "\\ud" in repr(document)  # surrogates, which no TOML file can hold
        return
    assert tomllib.loads(content.decode()) == document
    assert len(content.decode().splitlines()) == 3 + len(pairs) + len(rows) + 2


@pytest.mark.parametrize("document", [{}, {"a": 2}, {"a": 1, "b": 1}, {"a": True, "b": 1}])
def test_a_file_that_means_something_else_is_an_error(document):
    written = CommentedToml()
    written.pair("a", 1)
    with pytest.raises(OutputError, match="nothing was written"):
        written.content(document)


@pytest.mark.parametrize("value", [None, "\ud800", float("nan")])
def test_a_value_without_a_toml_equivalent_is_an_error(value):
    def write():
        written = CommentedToml()
        written.pair("a", value)
        written.content({"a": value})

    with pytest.raises(OutputError, match="nothing was written"):
        write()
