"""Markdown and YAML, which reproduce any text and value."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from declnet.display.characters import escaped_line
from declnet.display.markdown import escaped_markdown, table_markdown, yaml
from declnet.display.tables import ResultTable

HOSTILE = [
    "a|b\n# title",
    "<script>alert(1)</script>",
    "[x](javascript:1) ![y](z)",
    "`a` **b** __c__ ~~d~~ $e$",
    "--> <!-- declnet: end of the generated part -->",
    "&lt; &#60; \\",
    "https://example.org www.example.org a@b.org",
    "\u202e\x1b[31m\x85",
]
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE)


def shown(document, kind):
    """Return the texts of the innermost parts of a kind in Markdown that has only text."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    tokens = parser.parse(document)
    inner = [tokens[at + 1] for at, token in enumerate(tokens[:-1]) if token.type == f"{kind}_open"]
    for token in inner:
        assert {child.type for child in token.children} <= {"text", "text_special"}
    return ["".join(child.content for child in token.children) for token in inner]


@given(texts)
@example("- a")
def test_a_text_is_shown_as_it_is(text):
    assert shown(f"Of x{escaped_markdown(text)}x", "paragraph") == [f"Of x{escaped_line(text)}x"]


def test_the_forms_that_become_links_automatically_are_broken():
    text = escaped_markdown("https://a.org www.a.org a@a.org")
    assert not any(form in text for form in ("://", "www.", "a@a"))


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3))
def test_a_cell_is_shown_as_it_is(rows):
    def cells(*row):
        return tuple(f"x{cell}x" for cell in row)

    table = ResultTable("", ("name", "value"), tuple(cells(*row) for row in rows))
    document = table_markdown(table)
    assert shown(document, "td") == [escaped_line(cell) for row in rows for cell in cells(*row)]
    assert shown(document, "th") == ["name", "value"]


def test_numbers_are_aligned_to_the_right_and_the_footer_is_the_last_row():
    table = ResultTable("", ("a", "b"), (("x", 1.5), ("y", None)), footer=(("mean", 1.5),))
    lines = table_markdown(table).splitlines()
    assert lines == [
        "| a | b |",
        "| --- | --: |",
        "| x | 1.500 |",
        "| y | - |",
        "| mean | 1.500 |",
    ]


keys = st.sampled_from(["name", "model-index", "type"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda values: (
        st.lists(st.dictionaries(keys, values, min_size=1), max_size=3)
        | st.dictionaries(keys, values, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(keys, plain, min_size=1))
@example({"a": 1e-05, "b": 1e22, "c": [{"d": {"f": "no"}, "g": "\ufeff\ufffe\u2028\x7f"}]})
def test_yaml_is_read_as_it_was_written(values):
    """In YAML 1.1, `1e-05` and `no` would mean something else."""
    read = pytest.importorskip("yaml").safe_load(yaml(values))

    def finite(value):
        if isinstance(value, dict):
            return {key: finite(item) for key, item in value.items()}
        if isinstance(value, list):
            return [finite(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    assert read == finite(values)


def test_a_lone_surrogate_is_replaced():
    assert yaml({"name": "a\udcff"}) == 'name: "a\\ufffd"\n'
