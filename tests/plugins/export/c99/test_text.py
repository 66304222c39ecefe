"""Literals, identifiers, strings and the placement of arrays."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet_plugins.exchange import ExportError, unique_name
from declnet_plugins.export.c99.memory import Block, place
from declnet_plugins.export.c99.text import (
    KEYWORDS,
    double_literal,
    float_literal,
    identifier,
    integer_literal,
    read_string,
    string,
)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_literals_are_the_same_numbers(value):
    literal = float_literal(np.float32(value))
    assert literal.endswith("f")
    assert np.float32(literal[:-1]) == np.float32(value)
    assert re.search(r"[.e]", literal)  # 1f is not a literal
    assert float(double_literal(value)) == value


def test_special_numbers():
    literals = [float_literal(number) for number in (np.inf, -np.inf, np.nan)]
    assert literals == ["INFINITY", "-INFINITY", "NAN"]
    assert integer_literal(-(2**31)) == "(-2147483647 - 1)"


@given(st.lists(st.text(), max_size=8))
def test_names_are_distinct_identifiers(texts):
    used = set[str]()
    names = [unique_name(identifier(text), used) for text in texts]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert name not in KEYWORDS


@given(st.text().filter(lambda text: "\0" not in text))
def test_string_literals_contain_the_bytes_of_a_text(text):
    literal = string(text)
    assert literal.isascii()
    assert "??" not in literal
    assert "$" not in literal  # it would start a placeholder in the code of a step
    inside = re.sub(r"\\([0-7]{3}|.)", _unescaped, literal[1:-1], flags=re.DOTALL)
    assert inside.encode("latin-1") == text.encode()
    assert read_string(literal) == text


def _unescaped(match):
    escaped = match[1]
    return chr(int(escaped, 8)) if len(escaped) == 3 else escaped


def test_a_text_that_c_cannot_represent_is_refused():
    with pytest.raises(ExportError, match="NUL character, but the model has"):
        string("a\0b")


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_arrays_needed_at_the_same_time_share_no_memory(sizes):
    blocks = [Block(size, min(a, b), max(a, b)) for size, a, b in sizes]
    total = place(blocks)
    for number, block in enumerate(blocks):
        assert block.offset >= 0
        assert block.offset + block.size <= total
        for other in blocks[:number]:
            first, second = sorted((block, other), key=lambda block: block.offset)
            assert first.offset + first.size <= second.offset or not block.meets(other)
