"""Starting fresh measuring processes with a given number of threads."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOM = Path(__file__).parents[1]  # benchmarks/, where modules are imported from
TIMEOUT_SECONDS = 900.0
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "DECLNET_NUM_THREADS",
)


class ProcessError(Exception):
    """The failure of a measuring process; the message gives the cause."""


@dataclass(frozen=True)
class Processes:
    """A launcher of processes limited to `threads` threads that keep compiled code in `caches`."""

    threads: int
    caches: Path
    timeout: float = TIMEOUT_SECONDS

    def environment(self) -> dict[str, str]:
        """Return the environment of a process.

        Compilation is not measured: compiled code is kept between samples, and no pool of
        compiler processes keeps running during the timed loops.
        """
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {
            **inherited,
            **dict.fromkeys(THREAD_VARIABLES, str(self.threads)),
            "JAX_COMPILATION_CACHE_DIR": str(self.caches / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "KERAS_BACKEND": "jax",
            "KERAS_HOME": str(self.caches / "keras"),
            "DECLNET_CACHE_DIR": str(self.caches / "declnet"),
            "TORCHINDUCTOR_CACHE_DIR": str(self.caches / "inductor"),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
        }

    def run(self, command: list[str], folder: Path = ROOM) -> tuple[float, str]:
        """Run a command and return its seconds and output; raise ProcessError if it failed."""
        start = perf_counter()
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd=folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=self.timeout,
            )
        except subprocess.TimeoutExpired:
            raise ProcessError(f"not done after {self.timeout:.0f} s") from None
        seconds = perf_counter() - start
        if done.returncode:
            raise ProcessError(cause(done.stderr) or f"exit code {done.returncode}")
        return seconds, done.stdout

    def python(self, *arguments: str | Path) -> tuple[float, str]:
        """Run Python with those arguments; otherwise the same as `run`."""
        return self.run([sys.executable, *map(str, arguments)])


def keep_to(threads: int) -> None:
    """Limit this process and its children to that many cores."""
    if hasattr(os, "sched_setaffinity"):  # for peers that size their pools by visible cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def cause(errors: str) -> str:
    """Return the line of a traceback that names the exception, or else the last line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        name, colon, _ = line.partition(": ")
        if colon and name.replace(".", "").isidentifier() and name.endswith(("Error", "Exception")):
            return line
    return lines[-1] if lines else ""
