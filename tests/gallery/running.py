"""Runs `declnet` in this process as its script does, for speed."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from declnet.cli.main import main
from declnet.registry import discovery

MEMORY = 16 * 2**30
"""Bytes of memory that the machine has, as far as cases are concerned."""


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


def run(folder: Path, arguments: Sequence[str]) -> Done:
    """Runs a command in a folder."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        _installed(folder / "installed"),
        mock.patch.object(sys, "argv", ["declnet", *arguments]),
        mock.patch("declnet.training.memory.machine_memory", return_value=MEMORY),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _installed(folder: Path) -> Iterator[None]:
    """With the plugins in a folder, if there is one, as if they were installed."""
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
