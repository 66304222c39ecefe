"""The real command line for tests: a new process, or a fork of one that has imported declnet."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

WARNINGS = "error,ignore::ResourceWarning"
"""Warning filters; a signal may arrive between opening a file and entering its `with`."""


class ForkServer:
    """The process of fork_server.py, started at its first use.

    Args:
        environment: variables for the server and each command line.
    """

    FIXED = ("PYTHON", "OPENBLAS", "OMP_")
    """Prefixes of variables that take effect only when a process starts."""
    FREE = ("DECLNET_", "PYTHONPATH")
    """Prefixes of variables that may differ from the server's."""

    def __init__(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self._environment = {**environment, "PYTHONWARNINGS": WARNINGS}
        self._process: subprocess.Popen[str] | None = None
        self._fixed = self._of_start()

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Return whether the server can fork a process with these additional variables."""
        free = all(name.startswith(self.FREE) for name in environment)
        return hasattr(os, "fork") and free and self._fixed == self._of_start()

    def run(
        self,
        arguments: list[str],
        folder: Path,
        environment: Mapping[str, str],
        program: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line or another program to completion."""
        with tempfile.TemporaryDirectory() as name:
            out, err = Path(name, "out"), Path(name, "err")
            self.start(arguments, folder, environment, program, out=out, err=err)
            code = self.exit_code(arguments)
            return subprocess.CompletedProcess(
                [program or "declnet", *arguments],
                code,
                out.read_text("utf-8"),
                err.read_text("utf-8"),
            )

    def start(
        self,
        arguments: list[str],
        folder: Path,
        environment: Mapping[str, str],
        program: str = "",
        **streams: Path,
    ) -> None:
        """Start a command line whose streams `in`, by default none, `out` and `err` are files.

        Args:
            arguments: arguments of the command line.
            folder: the working directory.
            environment: additional variables.
            program: a Python file to run instead of declnet.
            streams: files by name.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("fork_server.py"))],
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        request = {
            "program": program,
            "arguments": arguments,
            "folder": str(folder),
            "environment": {**os.environ, **self._environment, **environment},
            "in": os.devnull,
            **{name: str(path) for name, path in streams.items()},
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def exit_code(self, arguments: list[str]) -> int:
        """Wait for the started process and return its exit code."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 60)[0]:
            self._process.kill()
            raise subprocess.TimeoutExpired(arguments, 60)
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """End the server."""
        if self._process is not None:
            self._process.communicate()

    def _of_start(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name.startswith(self.FIXED)}


COMPILING = "declnet: compiling kernels, once on this machine (a few seconds)\n"


@dataclass(frozen=True)
class CommandLine:
    """`python -m declnet` in a folder, as a real process."""

    folder: Path
    server: ForkServer
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """Start it and return immediately."""
        return subprocess.Popen(
            [sys.executable, "-m", "declnet", *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "PYTHONWARNINGS": WARNINGS, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run it to completion."""
        if self.server.serves(self.environment):
            return self.server.run(list(map(str, arguments)), self.folder, self.environment)
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def program(self, file: Path) -> subprocess.CompletedProcess[str]:
        """Run a Python program to completion."""
        if self.server.serves(self.environment):
            return self.server.run([], self.folder, self.environment, str(file))
        python = [sys.executable, "-W", "error", str(file)]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            python, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def succeeds(self, *arguments: object) -> str:
        """Run it and return its standard output; fail the test if it fails.

        Standard error must be empty, except for the first command that compiles on a machine.
        """
        done = self(*arguments)
        assert (done.returncode, done.stderr.removeprefix(COMPILING)) == (0, "")
        return done.stdout
