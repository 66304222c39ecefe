"""The tour of the design, which names existing files and stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text("utf-8")
SOURCES = [place for top in ("declnet", "plugins", "tests") for place in (ROOT / top).rglob("*")]
NAMES = {place.with_suffix("").as_posix() for place in SOURCES}
PATHS = sorted(set(re.findall(r"`([a-z_]+/[\w/]*)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_a_file_or_a_folder(path: str) -> None:
    assert path == "plugins/" or any(name.endswith(f"/{path.rstrip('/')}") for name in NAMES)


def test_each_route_has_as_many_files_as_it_says() -> None:
    routes = re.findall(r"^- \*\*.*?\*\* \((\d+)\): (.*)\.$", PAGE, re.MULTILINE)
    assert routes
    assert [int(count) for count, _ in routes] == [files.count("`") // 2 for _, files in routes]


def test_the_page_is_short() -> None:
    assert len(PAGE.split()) <= 1800
