"""Files that messages name: as the working folder sees them, and what was probably meant."""

from __future__ import annotations

import os
from collections.abc import Container
from difflib import get_close_matches
from pathlib import Path


def from_here(text: str) -> str:
    """A message in which files below the working folder are named by their relative paths."""
    here = f"{Path.cwd()}{os.sep}"
    return text.replace(here, "") if here != os.sep else text


RELATIVE = "a relative path starts from the folder of the file that says it"


def hint_for_missing(
    path: Path, otherwise: str | None = RELATIVE, besides: Container[str] = ()
) -> str | None:
    """What helps if there is no such file: a folder that is missing, or a file of a similar name.

    Args:
        path: the file, absolute or relative to the working folder.
        otherwise: the hint if the folder is there, and no file like it.
        besides: names of files that cannot have been meant.

    Returns:
        The hint; None if the file is there.
    """
    folder = path.parent
    try:
        if path.exists():
            return None
    except OSError:  # no name that a file can have
        return None
    if not folder.is_dir():
        return f"there is no folder {from_here(str(folder))}"
    names = [each for each in _names(folder) if each not in besides]
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    if close:
        return f'did you mean "{close[0]}"?'
    return otherwise


def _names(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir())
    except OSError:
        return []
