"""Write the expected output of all or some cases: `python -m tests.gallery.regenerate [CASE…]`.

Run it from the repository's root, and read every difference as the author of that spec would: is
the wording plain, the place exact, the hint useful?
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .cases import cases
from .running import run


def regenerate(names: tuple[str, ...] = ()) -> list[Path]:
    """Write the expected files of cases that can run here; return the changed ones."""
    changed = []
    for case in cases(names):
        if case.lacks:
            continue
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
