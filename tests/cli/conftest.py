"""Fixtures that run the command line: in this process, for speed, or on a pseudo-terminal."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from declnet.cli.main import run_command_line

if TYPE_CHECKING:
    from tests.conftest import ForkServer


class InProcess:
    """Commands that run in this process instead of the fork server."""

    def __init__(self, server: ForkServer) -> None:
        self.forking = server

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether a command may run here or, with other variables, in a fork."""
        return not environment or self.forking.serves(environment)

    def run(
        self, arguments: list[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line to its end; an exception that it does not catch fails the test."""
        if environment:
            return self.forking.run(arguments, folder, environment)
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with (
            contextlib.chdir(folder),
            mock.patch.object(sys, "argv", ["declnet", *arguments]),
            mock.patch.object(
                sys.modules["__main__"], "__package__", ""
            ),  # even in python -m pytest
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run_command_line()
        said = []
        for stream in (out, err):
            stream.flush()
            said.append(stream.buffer.getvalue().decode())
        return subprocess.CompletedProcess(["declnet", *arguments], code, *said)


@pytest.fixture(scope="session")
def fork_server(fork_server: ForkServer) -> InProcess:
    """Run `declnet_cli(…)` in this process; `declnet_cli.start` starts a real one."""
    return InProcess(fork_server)


def rows(out: str) -> list[list[str]]:
    """Return the cells of each line of printed tables."""
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines() if line.strip()]


def by_name(out: str) -> dict[str, list[str]]:
    """Return the remaining cells of each line by its first cell."""
    return {first: more for first, *more in rows(out)}


BITS = ("weights.safetensors", "history.jsonl", "metrics.json", "spec.toml", "out_of_fold.csv")
"""Files that do not differ from run to run."""


def content(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text("utf-8"))


def bits(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder that do not differ from run to run."""
    paths = [path for path in sorted(folder.rglob("*")) if path.name in BITS]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@dataclass(frozen=True)
class Screen:
    """The output that a terminal received.

    Attributes:
        raw: the output as sent.
        text: the output without cursor movements and colors.
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
def on_terminal(tmp_path: Path, fork_server: InProcess) -> Callable[..., Screen]:
    """Run `declnet` with its output, or the named streams, on a terminal of some width."""

    def run(
        *arguments: object,
        columns: int = 100,
        stdout: bool = True,
        stderr: bool = True,
        **more: str,
    ) -> Screen:
        # xdist's workers have COLUMNS
        environment = {"TERM": "xterm-256color", "COLUMNS": "", **more}
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        terminal, elsewhere = Path(os.ttyname(theirs)), tmp_path / "elsewhere"
        streams = {
            "in": terminal,
            "out": terminal if stdout else elsewhere,
            "err": terminal if stderr else elsewhere,
        }
        command = list(map(str, arguments))
        with ThreadPoolExecutor() as pool:
            sent = pool.submit(_read, ours)
            fork_server.forking.start(command, tmp_path, environment, **streams)
            code = fork_server.forking.exit_code(command)
            os.close(theirs)
            return Screen(code, sent.result().decode("utf-8"))

    return run


def _read(terminal: int) -> bytes:
    """Return what a terminal receives until the other end is closed."""
    sent = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            sent += chunk
    os.close(terminal)
    return sent
