"""Values and file names in messages."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from declnet.spec.messages import RELATIVE, hint_for_missing, shown


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


@pytest.mark.parametrize("folder", [Path(), None], ids=["relative", "absolute"])
def test_a_file_of_a_similar_name_is_proposed(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("points.npz", "spiral.toml"):
        (tmp_path / name).touch()
    folder = tmp_path if folder is None else folder
    assert hint_for_missing(folder / "piont.npz") == 'did you mean "points.npz"?'
    assert hint_for_missing(folder / "labels.npz") == RELATIVE
    assert hint_for_missing(folder / "labels.npz", None) is None
    assert hint_for_missing(folder / "spirals.toml", None, {"spiral.toml"}) is None
    assert hint_for_missing(folder / "data" / "points.npz") == RELATIVE
