from __future__ import annotations

import pytest

from declnet.spec.large_numbers import LARGEST, large_numbers, without_large_numbers

HUGE = 16**5000


def test_numbers_of_64_bits_are_right():
    document = {"a": LARGEST, "b": [-LARGEST, True, 1e300, "1" * 100]}
    assert large_numbers(document) == []
    assert without_large_numbers(document) == document


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 1, HUGE], ids=["more", "less", "huge"])
def test_larger_ones_are_told_at_their_path_and_taken_out(number):
    document = {"a": number, "b": [1, {"c": number}], "d": (number,)}
    found = large_numbers(document)
    assert [each.path for each in found] == [("a",), ("b", 1, "c"), ("d", 0)]
    assert {each.code for each in found} == {"E013"}
    assert without_large_numbers(document) == {"a": None, "b": [1, {"c": None}], "d": [None]}
