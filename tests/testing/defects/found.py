"""Checks of each component in a subprocess with limits of time and memory."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import DEFECTS, name_of

TABLE = Path(__file__).parent / "found.txt"
ROOT = Path(__file__).parents[3]
SECONDS = 60
BYTES = 6 * 2**30
"""Limit of the address space; compilers reserve much more than they use."""


def outcome(component):
    """Return the checks that find a component's defect, as written in the table."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"{__package__}", name_of(component), str(report)]
        try:
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                cwd=ROOT,
                timeout=SECONDS,
                preexec_fn=limit_memory,
            )
        except subprocess.TimeoutExpired:
            return f"kit died: no end within {SECONDS} s"
        if not report.exists():
            return f"kit died: exit code {done.returncode}"
        failed = json.loads(report.read_text("utf-8"))
    return ", ".join(dict.fromkeys(check for check, _ in failed)) or "not found"


def limit_memory():
    """Limit the address space of the subprocess before it starts."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def lines() -> Iterator[str]:
    """Yield the lines of the table: group, name, result."""
    for group, component in DEFECTS:
        yield f"{group}  {name_of(component)}  {outcome(component)}"


def committed():
    """Return the lines of the committed table."""
    return TABLE.read_text("utf-8").splitlines()
