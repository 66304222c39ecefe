"""Transcripts replayed with the installed declnet, and compared with what was recorded.

The last bits of results differ between processors and versions of NumPy. Transcripts are therefore
replayed with the instructions of any processor since 2013. If the versions differ from the recorded
ones, hashes are ignored and numbers are compared with a tolerance.
"""

from __future__ import annotations

import difflib
import platform
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.command_line import ForkServer
from tests.corpus.masking import equal_but_for_rounding
from tests.corpus.transcript import CORPUS, Output, Transcript

RECORDED_ON = CORPUS / "recorded_on.txt"
"""The processor and the versions with which the corpus was recorded."""

ENVIRONMENT = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",
    "DECLNET_NUM_THREADS": "1",
    "COLUMNS": "120",
}
"""Environment variables that give equal results on all processors with AVX2."""


@cache
def fingerprint() -> str:
    """Return the processor and the versions that bits of results depend on, one per line."""
    versions = [f"{name} {_version(name)}" for name in ("numpy", "numba", "llvmlite")]
    return "".join(f"{line}\n" for line in (_processor(), *versions))


def _processor() -> str:
    """Return LLVM's name of the processor, by which the C library selects instructions."""
    try:
        from llvmlite import binding
    except ImportError:
        return platform.machine()
    return str(binding.get_host_cpu_name())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True)
class Replay:
    """The recorded and the current transcript; `now` is None if a module is missing."""

    transcript: Transcript
    now: str | None

    @property
    def changed(self) -> bool:
        """Whether the texts differ in more than machine-dependent parts."""
        recorded = self.transcript.text
        if self.now is None or self.now == recorded:
            return False
        same_machine = fingerprint() == RECORDED_ON.read_text("utf-8")
        return same_machine or not equal_but_for_rounding(recorded, self.now)

    def difference(self) -> Iterator[str]:
        """Yield a heading and the lines of a diff."""
        lines = [text.splitlines(keepends=True) for text in (self.transcript.text, self.now or "")]
        name = self.transcript.path.name
        yield from difflib.unified_diff(*lines, f"{name} (recorded)", f"{name} (now)", n=2)


class Replayer:
    """Replays transcripts with one fork server for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._servers: list[ForkServer] = []

    def end(self) -> None:
        """End the fork servers."""
        for server in self._servers:
            server.end()

    def replay(self, transcript: Transcript) -> Replay:
        """Replay a transcript in a temporary folder."""
        if transcript.missing:
            return Replay(transcript, None)
        if not hasattr(self._local, "server"):
            self._local.server = ForkServer(ENVIRONMENT)
            self._servers.append(self._local.server)
        with TemporaryDirectory() as folder:
            return Replay(transcript, transcript.replay(Path(folder).resolve(), self._run))

    def _run(self, arguments: list[str], folder: Path) -> Output:
        done = self._local.server.run(arguments, folder, {})
        return Output(done.returncode, done.stdout, done.stderr)
