"""Files that messages name: as they are reached from the working folder, and with what was meant."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path


def from_here(text: str) -> str:
    """A message in which files below the working folder are named by their relative paths."""
    here = f"{Path.cwd()}{os.sep}"
    return text.replace(here, "") if here != os.sep else text


def hint_for_missing(path: Path) -> str | None:
    """What helps if there is no such file: one of a similar name, or what the path starts from.

    Args:
        path: the file, absolute or relative to the working folder.
    """
    if path.exists():
        return None
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {from_here(str(folder))}"
    close = get_close_matches(path.name, _names(folder), n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return "a relative path starts from the folder of the file that says it"


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
