"""What the kit finds: a subprocess for each component, with a limit of time and memory."""

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
"""Of address space, of which compilers reserve much more than they use."""


def outcome(component):
    """Return by which checks the kit finds a component's defect, and their messages."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"{__package__}", name_of(component), str(found)]
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
            return f"kit died: no end within {SECONDS} s", []
        if not found.exists():
            return f"kit died: exit code {done.returncode}", [done.stderr.decode()[-2000:]]
        failed = json.loads(found.read_text("utf-8"))
    checks = dict.fromkeys(check for check, _ in failed)
    return ", ".join(checks) or "not found", [f"{check}: {message}" for check, message in failed]


def limit_memory():
    """Limit the address space of the process that is about to start."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def lines(verbose=False) -> Iterator[str]:
    """Yield the lines of the table: group, name, result."""
    for group, component in DEFECTS:
        result, messages = outcome(component)
        yield f"{group}  {name_of(component)}  {result}"
        if verbose:
            yield from (f"      {message}" for message in messages)


def committed():
    """Return the lines of the table that is committed."""
    return TABLE.read_text("utf-8").splitlines()
