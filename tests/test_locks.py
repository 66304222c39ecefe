"""Forks while other threads hold locks: no child waits for a thread that it does not have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="requires os.fork")

FORKS = int(os.environ.get("DECLNET_TEST_FORKS", "20"))

FORK = f"""
import os, signal, sys, threading, time

FORKS = {FORKS}

def in_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return os.waitpid(child, 0)[1]
"""

IMPORTING = """
from declnet.registry.plugin import LOCAL
from declnet.registry.entry import Entry
from declnet.registry.registry import Registry

SOURCE = '''
import time
print("imported")
time.sleep(0.02)
from declnet import Metric
class Slow(Metric):
    type = "slow{}"
    def start(self, *arguments): ...
    def update(self, *arguments): ...
    def result(self, *arguments): ...
'''
ended = []
for number in range(FORKS):
    with open(f"slow{number}.py", "w") as file:
        file.write(SOURCE.format(number))
    registry = Registry()
    registry.add(Entry("metric", f"slow{number}", LOCAL, f"slow{number}"))
    find = lambda: registry.entry("metric", f"slow{number}").component
    thread = threading.Thread(target=find)
    thread.start()
    while f"slow{number}" not in sys.modules:
        time.sleep(0)
    ended.append(in_child(lambda: (find(), print(number))))
    thread.join()
print(ended)
"""

IN_ANY_ORDER = """
from declnet import ForkSafeLock

locks, stop = [ForkSafeLock() for _ in range(3)], threading.Event()

def hold(*order):
    while not stop.is_set():
        with locks[order[0]], locks[order[1]]:
            time.sleep(0.001)

def take_all():
    with locks[2], locks[1], locks[0], locks[2]:
        pass

def wait_for_1():
    with locks[0], locks[1]:
        pass

threads = [threading.Thread(target=hold, args=each) for each in ((0, 1), (0, 2), (1, 2))]
for each in threads:
    each.start()
ended = [in_child(take_all) for _ in range(5 * FORKS)]
stop.set()
for each in threads:
    each.join()
with locks[1], locks[1]:
    thread = threading.Thread(target=wait_for_1)
    thread.start()
    time.sleep(0.1)
    ended.append(in_child(take_all))
print(set(ended))
"""


def output_of(script, folder):
    """Return the standard output of a process."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK + script],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_child_imports_what_another_thread_was_importing_at_the_fork(tmp_path):
    assert output_of(IMPORTING, tmp_path).splitlines()[-1] == str([0] * FORKS)


def test_different_locking_orders_of_threads_do_not_block_a_fork(tmp_path):
    assert output_of(IN_ANY_ORDER, tmp_path) == "{0}\n"
