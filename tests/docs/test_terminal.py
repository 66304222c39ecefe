"""`docs/images/terminal.svg` shows the current output of declnet."""

from __future__ import annotations

import html
import re
import runpy
from pathlib import Path


def test_the_picture_shows_the_errors_of_its_spec(
    repository: Path, tmp_path: Path, declnet_cli
) -> None:
    script = runpy.run_path(str(repository / "docs" / "images" / "make_terminal.py"))
    text = (repository / "specs" / "spiral_adam.toml").read_text("utf-8")
    for line, replacement in script["WRONG"].items():
        assert text.count(line) > 0
        text = text.replace(line, replacement, 1)
    (tmp_path / "spiral.toml").write_text(text, "utf-8")
    drawing = (repository / "docs" / "images" / "terminal.svg").read_text("utf-8")
    pieces = re.findall(r"<text[^>]*>(.*?)</text>", drawing, re.DOTALL)
    drawn = "".join(html.unescape("".join(pieces)).split())  # texts of only spaces are left out
    printed = declnet_cli("check", "spiral.toml").stderr.splitlines()
    assert [line for line in printed if "".join(line.split()) not in drawn] == []
