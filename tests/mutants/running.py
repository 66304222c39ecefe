"""Execution of mutants, each in a fork of a process that has imported everything but declnet.

A worker has a copy of the tree in which it changes one file at a time, so processes that tests
start also import the mutant.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.mutants.mutating import Mutant
from tests.mutants.suite import Suite, environment_of

MEMORY = Path("/dev/shm")

EXTRA_SECONDS = 25.0
"""Seconds that a session may take in addition to three times its recorded time."""


class Chosen:
    """A pytest plugin that runs selected tests in order and writes the first failure."""

    def __init__(self, tests: list[str], failed: Path) -> None:
        self.places = {test: place for place, test in enumerate(tests)}
        self.failed = failed

    def pytest_sessionstart(self) -> None:
        phases = (Phase.explicit, Phase.generate)  # failing examples need not be shrunk
        profile = settings.get_profile("declnet")
        settings.register_profile("mutants", profile, phases=phases, database=None)
        settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.places]
        items.sort(key=lambda item: self.places[item.nodeid])
        if len(items) < len(self.places):
            raise pytest.UsageError("tests are missing")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.write_text(report.nodeid, "utf-8")


class Worker:
    """Runs mutants sequentially in a copy of the tree.

    Args:
        folder: folder of the recording, which gets the copy as a subfolder.
    """

    def __init__(self, folder: Path, suite: Suite) -> None:
        self._suite = suite
        self._tree = folder / f"tree-{os.getpid()}"
        self._cache = folder / f"cache-{os.getpid()}"
        self._memory = MEMORY / f"declnet-mutants-{os.getpid()}"
        self._log = folder / f"log-{os.getpid()}"
        shutil.copytree(suite.tree, self._tree, symlinks=True)
        shutil.copytree(folder / "cache", self._cache)
        self._time = int(time.time())
        self._sound = set[str]()
        self._unsound = set[str]()

    def end(self) -> None:
        """Delete the copy."""
        for path in (self._tree, self._cache, self._memory):
            shutil.rmtree(path, ignore_errors=True)

    def state(self, mutant: Mutant, stages: tuple[list[str], ...]) -> tuple[str, str]:
        """Return "killed", "timeout", "survived" or "unreached", and the test that failed.

        Args:
            stages: tests in their order, one list for each session.
        """
        if not stages[0]:
            return "unreached", ""
        for tests in filter(None, stages):
            while sound := [test for test in tests if test not in self._unsound]:
                outcome, failed = self._with_mutant(mutant, sound)
                if outcome != "killed" or self._is_sound(failed):
                    break
            else:
                continue
            if outcome != "survived":
                return outcome, failed
        return "survived", ""

    def _is_sound(self, test: str) -> bool:
        """Return whether a failed test passes without the mutant."""
        if test and test not in self._sound:
            passes = self._session([test])[0] == "survived"
            (self._sound if passes else self._unsound).add(test)
        return test not in self._unsound

    def _with_mutant(self, mutant: Mutant, tests: list[str]) -> tuple[str, str]:
        path = self._tree / mutant.file
        source, before = path.read_bytes(), path.stat()
        path.write_bytes(mutant.applied(source))
        self._time += 1  # compiled files are renewed only if the times of sources differ
        os.utime(path, (self._time, self._time))
        try:
            return self._session(tests)
        finally:
            path.write_bytes(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _session(self, tests: list[str]) -> tuple[str, str]:
        shutil.rmtree(self._memory, ignore_errors=True)
        self._memory.mkdir()
        failed = self._memory / "failed"
        limit = EXTRA_SECONDS + 3 * sum(self._suite.seconds[test] for test in tests)
        child = os.fork()
        if child == 0:
            try:
                self._become_session(tests, failed)
            finally:
                os._exit(3)
        end, done, status = time.monotonic() + limit, 0, 0
        while not done and time.monotonic() < end:
            time.sleep(0.02)
            done, status = os.waitpid(child, os.WNOHANG)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not done:
            os.waitpid(child, 0)
            return "timeout", ""
        if status == 0:
            return "survived", ""
        return "killed", failed.read_text("utf-8") if failed.exists() else ""

    def _become_session(self, tests: list[str], failed: Path) -> None:
        os.setsid()
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for descriptor, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(descriptor, target)
        os.chdir(self._tree)
        os.environ.update(environment_of(self._tree))
        temporary = self._memory / "tmp"
        temporary.mkdir()
        os.environ["DECLNET_CACHE_DIR"] = str(self._cache)
        os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = str(temporary)
        sys.path[:0] = [str(self._tree), str(self._tree / "plugins")]
        for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "benchmarks")]:
            del sys.modules[name]
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        options = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0",
                   "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip
        code = pytest.main([*options, *files], [Chosen(tests, failed)])
        sys.stdout.flush()
        os._exit(int(code))


def import_all(names: list[str]) -> None:
    """Import modules that tests import, so that forks need not."""
    for name in names:
        with suppress(Exception):  # some can only be imported through their package
            import_module(name)
    gc.freeze()  # garbage collection in a fork would copy all memory
