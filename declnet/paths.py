"""What is known of a path before it is read."""

from __future__ import annotations

from pathlib import Path


def is_missing(path: Path) -> bool:
    """Return whether there is no such file or folder.

    Raises:
        OSError: it cannot be known, e.g. without permission (`Path.exists` of Python 3.14 says no).
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False
