"""The tables of studies, created by one process that may be killed, or by several at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from declnet_plugins.optuna.storage import open_storage

from ...postgresql import PASSWORD, running_server

pytest.importorskip("optuna")

PROGRAM = Path(__file__).with_name("killed_at_statements.py")
ENV = "DECLNET_TEST_SECRET"
PROCESSES, ROUNDS = 2, 3
STEP = 1 if "DECLNET_TEST_STUDY_KILLS" in os.environ else 25  # Optuna creates an index in its 26th


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize("maker", ["declnet", "optuna"])
def test_killed_before_any_statement_a_study_can_be_opened(maker, tmp_path):
    command = [sys.executable, PROGRAM, tmp_path, maker, str(STEP)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * STEP > 25


def test_several_processes_make_the_tables_of_a_server_concurrently(monkeypatch):
    monkeypatch.setenv(ENV, PASSWORD)
    with running_server() as server:
        # imports modules that threads must not import together
        open_storage(server.url, ENV).engine.dispose()
        for _ in range(ROUNDS):
            server.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
            barrier = Barrier(PROCESSES)

            def make(_, barrier=barrier):
                barrier.wait()
                storage = open_storage(server.url, ENV)
                storage.remove_session()
                storage.engine.dispose()

            with ThreadPoolExecutor(PROCESSES) as pool:
                assert len(list(pool.map(make, range(PROCESSES)))) == PROCESSES
