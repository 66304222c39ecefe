"""Signals that end the process of a command."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from declnet.cli import process
from declnet.cli.process import INTERRUPTION, interrupt_on_signals

from ..command_line import COMPILING

NUMBERS = [getattr(signal, name) for name in INTERRUPTION]


def test_a_signal_that_is_ignored_stays_ignored():
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    interrupt_on_signals()
    for number in NUMBERS:
        assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.parametrize("first", NUMBERS)
def test_only_the_first_signal_counts_and_a_later_ctrl_c(first, monkeypatch):
    interrupt_on_signals()
    interrupted = []
    for at, number in [(10.0, first), *((10.0 + d, n) for d in (0, 1, 1.5, 9) for n in NUMBERS)]:
        monkeypatch.setattr(process, "monotonic", lambda at=at: at)
        try:
            signal.getsignal(number)(number, None)
        except KeyboardInterrupt:
            interrupted.append((at, number))
    assert interrupted == [(10, first), (11.5, signal.SIGINT), (19, signal.SIGINT)]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="a command is one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_a_process_and_its_group_ends_both_processes_once(
    declnet_cli, spec_file, document, number
):
    document["training"]["epochs"] = 10**9
    arguments = ("run", spec_file(document), "--out", "out")
    with declnet_cli.start(*arguments, start_new_session=True) as process:
        for _ in range(10):
            process.stdout.readline()
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(process.pid, number)
        if number != signal.SIGKILL:
            os.killpg(process.pid, number)
        said = process.communicate(timeout=60)[1].removeprefix(COMPILING)
    if number == signal.SIGKILL:
        assert (process.returncode, said) == (-number, "")
    else:
        resumed = "to continue this run: declnet resume out"
        assert (process.returncode, said.split("\n")) == (130, ["", "interrupted", resumed, ""])
    while is_running(child):
        time.sleep(0.01)
