"""Values and file names in messages."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from declnet.spec.messages import RELATIVE, from_here, hint_for_missing, shown


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


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for name in ("points.npz", "spiral.toml"):
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)


def test_paths_below_the_working_folder_become_relative(tmp_path, monkeypatch):
    assert from_here(f"{tmp_path}/a.npz: not like {tmp_path}/b.npz") == "a.npz: not like b.npz"
    above = f"{tmp_path.parent}/a.npz: there is no such file"
    assert from_here(above) == above
    monkeypatch.chdir("/")
    assert from_here("/a/b.npz") == "/a/b.npz"


@pytest.mark.parametrize("folder", [Path(), None], ids=["relative", "absolute"])
def test_a_file_of_a_similar_name_is_proposed(tmp_path, folder):
    folder = tmp_path if folder is None else folder
    assert hint_for_missing(folder / "piont.npz") == 'did you mean "points.npz"?'
    assert hint_for_missing(folder / "labels.npz") == RELATIVE
    assert hint_for_missing(folder / "labels.npz", None) is None
    assert hint_for_missing(folder / "spirals.toml", None, {"spiral.toml"}) is None
    assert hint_for_missing(folder / "data" / "points.npz") == RELATIVE


def test_a_missing_folder_is_named(tmp_path):
    assert hint_for_missing(tmp_path / "there" / "points.npz") == "there is no folder there"
