"""The command line, run in this process for speed."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from declnet.cli.main import run_command_line
from declnet.registry import discovery

MEMORY = 16 * 2**30
"""Bytes of memory that the machine of a case has."""


@dataclass(frozen=True)
class Done:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


def run(folder: Path, arguments: Sequence[str]) -> Done:
    """Run a command in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        _installed(folder / "installed"),
        mock.patch.object(sys, "argv", ["declnet", *arguments]),
        mock.patch("declnet.contracts.memory.machine_memory", return_value=MEMORY),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run_command_line()
    return Done(code, out.getvalue(), without_installed_types(err.getvalue()))


def without_installed_types(text: str) -> str:
    """Return a text in which lists of the installed types of a kind end with the first one."""
    listed = re.sub(r"(installed [a-z ]+: \w+)(?:, \w+)+…?", r"\1, …", text)
    return re.sub(r'(use a loss such as "\w+")(?:,? (?:or )?"\w+")+', r"\1 or …", listed)


@contextlib.contextmanager
def _installed(folder: Path) -> Iterator[None]:
    """Make the plugins in a folder, if it exists, appear installed."""
    if not folder.is_dir():
        yield
        return
    before = set(sys.modules)
    try:
        with mock.patch.object(sys, "path", [str(folder), *sys.path]):
            discovery._discovered_once.cache_clear()
            yield
    finally:
        discovery._discovered_once.cache_clear()
        for name in set(sys.modules) - before:
            if str(folder) in str(getattr(sys.modules[name], "__file__", None)):
                del sys.modules[name]
