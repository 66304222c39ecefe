from __future__ import annotations

import pytest

from declnet.spec.positions.duplicate import Duplicate, blank_out
from declnet.spec.positions.span import Span

SOMEWHERE = Span(1, 1, 1, 2)


def duplicate(start: int, end: int) -> Duplicate:
    return Duplicate(("a",), SOMEWHERE, SOMEWHERE, start, end)


@pytest.mark.parametrize(
    ("text", "stretches", "expected"),
    [
        ("a=1\na=2\n", [(4, 7)], "a=1\n   \n"),
        ("a=1\na=2\n", [], "a=1\na=2\n"),
        ("é=1\né=2\né=3", [(8, 11), (4, 7)], "é=1\n   \n   "),
        ("[a]\n[a]\nx=1\r\ny=2\n", [(4, 16)], "[a]\n   \n   \r\n   \n"),
        ("[a]\n[a]\nx=1\nx=2\n[b]", [(4, 15), (12, 15)], "[a]\n   \n   \n   \n[b]"),
        ("a={b=1,b=[\n2]}", [(6, 13)], "a={b=1       }"),
    ],
)
def test_duplicates_become_spaces_and_all_else_stays_in_its_place(text, stretches, expected):
    assert blank_out(text, [duplicate(*stretch) for stretch in stretches]) == expected
