"""Values and file names in messages."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from declnet.spec.shown_values import hint_for_missing, is_missing, shown


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


def test_only_a_path_that_does_not_exist_is_missing(tmp_path):
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    assert not is_missing(file)
    assert not is_missing(tmp_path)
    assert is_missing(tmp_path / "other")
    assert is_missing(file / "below")
    assert is_missing(tmp_path / "a\0b")
    with pytest.raises(OSError, match="File name too long"):
        is_missing(tmp_path / ("n" * 300))


def test_a_hint_for_a_missing_file_names_one_like_it(tmp_path):
    (tmp_path / "flowers.csv").write_text("", "utf-8")
    assert hint_for_missing(tmp_path / "flowers.csv") is None
    assert hint_for_missing(tmp_path / "flower.csv") == 'did you mean "flowers.csv"?'
    assert hint_for_missing(tmp_path / ("n" * 300)) is None
