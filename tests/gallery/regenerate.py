"""Writes what declnet says of every case, or of some: `python -m tests.gallery.regenerate [CASE…]`.

Run it from the repository's root, and read every difference as whoever wrote that spec would: are
the words plain, is the place exact, is the hint of use?
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .cases import cases
from .running import run


def regenerate(names: tuple[str, ...] = ()) -> list[Path]:
    """Writes the expected files; returns those that changed."""
    changed = []
    for case in cases(names):
        with TemporaryDirectory() as folder:
            said = run(case.prepared(Path(folder)), case.arguments).err
        before = case.expected.read_text("utf-8") if case.expected.is_file() else None
        if said != before:
            case.expected.write_text(said, "utf-8")
            changed.append(case.expected)
    return changed


if __name__ == "__main__":
    for file in regenerate(tuple(sys.argv[1:])):
        print(file)  # noqa: T201
