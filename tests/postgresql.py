"""A PostgreSQL server for tests, on a socket in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/postgresql")
PASSWORD = "s3cret/of:the@tests"


@dataclass(frozen=True)
class Server:
    """A running server with the role `tester`."""

    socket: Path

    @property
    def url(self) -> str:
        return f"postgresql://tester@/postgres?host={self.socket}"

    def execute(self, *statements: str) -> None:
        import psycopg

        where = {"host": str(self.socket), "dbname": "postgres", "user": "tester"}
        with psycopg.connect(**where, password=PASSWORD) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server and stop it at the end; skip the test if PostgreSQL is not installed."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    folder = _binaries()
    if folder is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    home = Path(
        tempfile.mkdtemp(prefix="pg")
    )  # short, because a socket's path has at most 107 bytes
    as_other = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "nobody")
        as_other = {"user": "nobody"}
    secret = home / "secret"
    secret.write_text(PASSWORD, "utf-8")
    secret.chmod(0o644)
    start = [folder / "initdb", "-D", home / "data", "-U", "tester", "-E", "UTF8", "-N"]
    options = ["--locale=C", "--auth=scram-sha-256", f"--pwfile={secret}"]
    subprocess.run([*start, *options], check=True, capture_output=True, cwd=home, **as_other)
    serve = [folder / "postgres", "-D", home / "data", "-k", home]
    quiet = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=10"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*serve, *quiet], stdout=log, stderr=log, cwd=home, **as_other)
        try:
            _wait_for(home, process)
            yield Server(home)
        finally:
            process.terminate()
            process.wait(30)
    shutil.rmtree(home)


def _binaries() -> Path | None:
    initdb = shutil.which("initdb")
    folders = [Path(initdb).resolve().parent] if initdb else sorted(DEBIAN.glob("*/bin"))
    return next((folder for folder in folders if (folder / "postgres").is_file()), None)


def _wait_for(home: Path, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    where = {"host": str(home), "dbname": "postgres", "user": "tester"}
    end = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(**where, password=PASSWORD).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError((home / "log").read_text("utf-8")) from None
            time.sleep(0.05)
        else:
            return
