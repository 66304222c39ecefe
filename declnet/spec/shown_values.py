"""Formatting of values and file names in messages."""

from __future__ import annotations

import json
import os
from collections.abc import Container
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

RELATIVE = "relative paths start from the folder of the file that contains them"


def shown(value: Any) -> str:
    """Return a value as written in a spec, in at most 60 characters."""
    try:
        text = _text(value)
    except ValueError:  # an integer with more digits than Python prints
        return "a number of very many digits"
    return text if len(text) <= 60 else f"{text[:57]}…"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"a table with {', '.join(map(str, value))}" if value else "an empty table"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value[:60]))}]"
    if isinstance(value, str):
        return f'"{value}"'
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date | time) else repr(value)


def from_here(text: str) -> str:
    """Return a message with relative paths for files below the working folder."""
    here = f"{Path.cwd()}{os.sep}"
    return text.replace(here, "") if here != os.sep else text


def is_missing(path: Path) -> bool:
    """Return whether there is no such file or folder.

    Raises:
        OSError: this cannot be determined, e.g. for a name that is too long. `Path.exists` returns
            False then, from Python 3.14 on.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no name has a NUL character
        return True
    return False


def hint_for_missing(
    path: Path, otherwise: str | None = RELATIVE, besides: Container[str] = ()
) -> str | None:
    """Return a hint for a missing file, or None if the file exists.

    Args:
        path: the file, absolute or relative to the working folder.
        otherwise: the hint if its folder exists but has no file with a similar name.
        besides: names of files that cannot have been meant.
    """
    folder = path.parent
    try:
        if not is_missing(path):
            return None
    except OSError:  # not a valid file name
        return None
    if not folder.is_dir():
        return f"there is no folder {from_here(str(folder))}"
    try:
        names = sorted(file.name for file in folder.iterdir() if file.name not in besides)
    except OSError:
        names = []
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return f'did you mean "{close[0]}"?' if close else otherwise
