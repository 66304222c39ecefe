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
    assert [float_literal(each) for each in (np.inf, -np.inf, np.nan)] == [
        "INFINITY",
        "-INFINITY",
        "NAN",
    ]
    assert integer_literal(-(2**31)) == "(-2147483647 - 1)"


@given(st.lists(st.text(), max_size=8))
def test_names_are_unlike_each_other_and_identifiers(texts):
    used = set[str]()
    found = [unique_name(identifier(each), used) for each in texts]
    assert len(set(found)) == len(found)
    for each in found:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", each)
        assert each not in KEYWORDS


@given(st.text().filter(lambda text: "\0" not in text))
def test_strings_hold_the_bytes_of_a_text(text):
    literal = string(text)
    assert literal.isascii()
    assert "??" not in literal
    assert "$" not in literal  # which would begin a term of the body of a step
    inside = re.sub(r"\\([0-7]{3}|.)", _unescaped, literal[1:-1], flags=re.DOTALL)
    assert inside.encode("latin-1") == text.encode()
    assert read_string(literal) == text


def _unescaped(match):
    found = match[1]
    return chr(int(found, 8)) if len(found) == 3 else found


def test_a_text_that_c_cannot_hold_is_refused():
    with pytest.raises(ExportError, match="NUL character, but the model has"):
        string("a\0b")


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_arrays_needed_at_the_same_time_share_no_memory(sizes):
    blocks = [Block(size, min(a, b), max(a, b)) for size, a, b in sizes]
    total = place(blocks)
    for number, each in enumerate(blocks):
        assert each.offset >= 0
        assert each.offset + each.size <= total
        for other in blocks[:number]:
            apart = (
                each.offset + each.size <= other.offset or other.offset + other.size <= each.offset
            )
            assert apart or not each.meets(other)
