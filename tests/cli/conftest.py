"""The command line as a person sees it: on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Screen:
    """What a terminal was sent.

    Attributes:
        raw: as it was sent.
        text: without what moves the cursor or paints.
    """

    code: int
    raw: str

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw).replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """Return what remains on the screen after writing line by line."""
        return [line.rpartition("\r")[2] for line in self.text.split("\n")]


@pytest.fixture
def on_terminal(tmp_path: Path) -> Callable[..., Screen]:
    """Run `declnet` with its output, or the named streams, on a terminal of some width."""

    def run(
        *arguments: object,
        columns: int = 100,
        stdout: bool = True,
        stderr: bool = True,
        **more: str,
    ) -> Screen:
        environment = {**os.environ, "TERM": "xterm-256color", **more}
        environment.pop("COLUMNS", None)  # xdist's workers have one
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with (tmp_path / "elsewhere").open("wb") as elsewhere:
            process = subprocess.Popen(
                [sys.executable, "-m", "declnet", *map(str, arguments)],
                cwd=tmp_path,
                stdin=theirs,
                stdout=theirs if stdout else elsewhere,
                stderr=theirs if stderr else elsewhere,
                env=environment,
            )
        os.close(theirs)
        sent = b""
        while chunk := _read(ours):
            sent += chunk
        os.close(ours)
        return Screen(process.wait(60), sent.decode("utf-8"))

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""
