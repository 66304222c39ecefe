"""The real command line for tests: a process of its own, or a fork of one that has imported."""

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
"""A signal may arrive between opening a file and entering its `with`: no fault of anybody's."""


class ForkServer:
    """The process of fork_server.py, which is started when it is first needed.

    Args:
        environment: variables with which it starts, and each command line too.
    """

    FIXED = ("PYTHON", "OPENBLAS", "OMP_")
    """Begin the names of variables that count when a process starts."""
    FREE = ("DECLNET_", "PYTHONPATH")
    """Begin the names of variables that may differ from the server's own."""

    def __init__(self, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self._environment = {**environment, "PYTHONWARNINGS": WARNINGS}
        self._process: subprocess.Popen[str] | None = None
        self._fixed = self._of_start()

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether a process with such additional variables may come from it."""
        free = all(name.startswith(self.FREE) for name in environment)
        return hasattr(os, "fork") and free and self._fixed == self._of_start()

    def run(
        self,
        arguments: list[str],
        folder: Path,
        environment: Mapping[str, str],
        program: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line, or another program, to its end."""
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
            arguments: those of the command line.
            folder: where it runs.
            environment: its additional variables.
            program: a file of Python to run in place of declnet.
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
        """Return the exit code of what was started, once it has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], 60)[0]:
            self._process.kill()
            raise subprocess.TimeoutExpired(arguments, 60)
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """Let the process end."""
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
        """Run it to its end."""
        if self.server.serves(self.environment):
            return self.server.run(list(map(str, arguments)), self.folder, self.environment)
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def program(self, file: Path) -> subprocess.CompletedProcess[str]:
        """Run a program in Python to its end."""
        if self.server.serves(self.environment):
            return self.server.run([], self.folder, self.environment, str(file))
        python = [sys.executable, "-W", "error", str(file)]
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            python, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def succeeds(self, *arguments: object) -> str:
        """Run it and return its standard output; fail the test if it fails.

        Standard error is empty, unless it is the first command on a machine that compiles.
        """
        done = self(*arguments)
        assert (done.returncode, done.stderr.removeprefix(COMPILING)) == (0, "")
        return done.stdout
