"""Values and file names in messages."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from declnet.spec.shown_values import shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (float("nan"), "nan"),
        ([1, "a", True, None, [2]], '[1, "a", true, null, [2]]'),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00"),
        ("x" * 58, '"' + "x" * 58 + '"'),
        ("x" * 59, '"' + "x" * 56 + "…"),
        ({"x" * 100: 1}, "a table with " + "x" * 44 + "…"),
        (16**5000, "a number of very many digits"),
    ],
    ids=lambda value: "",
)
def test_values_are_shown_as_in_a_spec_and_truncated(value, expected):
    assert shown(value) == expected
    assert len(expected) <= 60
