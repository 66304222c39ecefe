"""The real Taplo, as an editor's language server and as a check in CI use it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Mark(NamedTuple):
    """Where Taplo marks a fault, and what it says of it."""

    line: int
    message: str


def check(*files: Path, schema: Path | None = None) -> list[Mark]:
    """The faults that `taplo check` finds, in its order; none if it is content.

    Args:
        files: TOML files.
        schema: to check against, whatever the files themselves name.
    """
    options = [] if schema is None else ["--schema", schema.as_uri()]
    done = subprocess.run(
        [_taplo(), "check", "--colors", "never", "--no-auto-config", *options, *map(str, files)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    marks = re.findall(r"^error: (.*)\n\s*┌─ .*:(\d+):\d+$", done.stderr, re.MULTILINE)
    assert done.returncode == (1 if marks else 0), done.stderr
    return [Mark(int(line), message) for message, line in marks]


def _taplo() -> str:
    """Beside the interpreter, where pip puts it, or on the path."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("taplo", path=places)
    assert found is not None, "taplo is missing: pip install -e '.[test]'"
    return found
