from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from declnet.spec.positions.lines import BLOCK, Lines
from declnet.spec.positions.span import Span


def bytes_before(text: str, offset: int) -> int:
    return len(text[:offset].encode("utf-8", "surrogatepass"))


def whole(text: str) -> Span:
    return Lines(text).span((0, bytes_before(text, len(text))))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("", (1, 1)),
        ("ab", (1, 3)),
        ("ab\n", (2, 1)),
        ("ab\r\ncd", (2, 3)),
        ("a\rb", (1, 4)),
        ("\t\tx", (1, 4)),
        ("é日😀", (1, 4)),
        ("e\u0301", (1, 3)),  # two characters, though one is seen
        ("a\u2028b\x85c\x0cd", (1, 8)),  # no line breaks, to TOML and JSON
        ("\ud800x", (1, 3)),
    ],
)
def test_columns_count_characters_and_only_line_feeds_end_lines(text, end):
    assert whole(text) == Span(1, 1, *end)


@pytest.mark.parametrize("length", [BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK])
@pytest.mark.parametrize("character", ["a", "é", "日", "😀"])
def test_characters_across_blocks_are_counted_once(length, character):
    assert whole(character * length) == Span(1, 1, 1, length + 1)


@given(st.text(), st.data())
def test_offsets_and_columns_lead_back_to_the_character(text, data):
    offset = data.draw(st.integers(0, len(text)))
    lines = Lines(text)
    byte = bytes_before(text, offset)
    assert lines.offset(byte) == offset
    span = lines.span((byte, byte))
    before = text[:offset].split("\n")
    assert span == Span(len(before), len(before[-1]) + 1, len(before), len(before[-1]) + 1)
