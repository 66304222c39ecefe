from __future__ import annotations

from datetime import date, datetime, time

import pytest

from declnet.spec.shown import shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (None, "null"),
        (0.1, "0.1"),
        (-3, "-3"),
        (float("nan"), "nan"),
        ("a", '"a"'),
        ([], "[]"),
        ([1, "a", True, None, [2]], '[1, "a", true, null, [2]]'),
        ({}, "an empty table"),
        ({"a": 1, "b": 2}, "a table with a, b"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        ("x" * 58, '"' + "x" * 58 + '"'),
        ("x" * 59, '"' + "x" * 56 + "…"),
        ([1] * 100, "[" + "1, " * 18 + "1,…"),
        ({"x" * 100: 1}, "a table with " + "x" * 44 + "…"),
        (16**5000, "a number of very many digits"),
        ([16**5000], "[a number of very many digits]"),
    ],
    ids=lambda value: "",
)
def test_values_are_shown_as_a_spec_has_them_and_cut_if_they_are_long(value, expected):
    assert shown(value) == expected
    assert len(expected) <= 60
