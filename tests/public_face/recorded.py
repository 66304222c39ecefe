"""The record of the public face, `record.txt`, and differences from it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path

from .describing import Section, described
from .outputs import Run, outputs

RECORD = Path(__file__).with_name("record.txt")


def now(folder: str | Path, run: Run) -> dict[str, Section]:
    """Return all current sections of installed packages.

    Args:
        folder: an empty folder.
        run: function that runs a command line in the folder.
    """
    return {**described(), **outputs(Path(folder), run)}


def as_text(sections: Mapping[str, Section]) -> str:
    """Return sections in the form of the record."""
    return "\n".join(
        line for title, lines in sections.items() for line in (f"# {title}", *lines, "")
    )


def recorded() -> dict[str, Section]:
    """Return the sections of the record."""
    sections: dict[str, Section] = {}
    for part in f"\n{RECORD.read_text('utf-8')}".split("\n# ")[1:]:
        title, *lines = part.rstrip("\n").split("\n")
        sections[title] = lines
    return sections


def difference(sections: Mapping[str, Section]) -> list[str]:
    """Return the lines of a unified diff between the record and sections."""
    before = recorded()
    return [
        line
        for title, lines in sections.items()
        for line in unified_diff(
            before.get(title, []), lines, f"recorded {title}", f"{title} now", "", "", 1, ""
        )
    ]
