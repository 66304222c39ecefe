"""Measuring: a fresh process for every sample, peers taken in turn so that they share the noise."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from data import write_files
from peers import Peer
from task import Sample, Task, read_sample, write_json
from works import Work

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
TIMEOUT_SECONDS = 900.0
SEED = 0


@dataclass
class Row:
    """A peer's samples on one work, or why there are none."""

    peer: Peer
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""

    @property
    def step_times(self) -> list[float]:
        """Microseconds a step, one a sample."""
        return [sample.step_microseconds for sample in self.samples]

    @property
    def median(self) -> float:
        """The median of the step times, in microseconds."""
        return median(self.step_times)

    @property
    def loss(self) -> float:
        """The loss after the short run; the same in every sample but for rounding."""
        return median(sample.short_loss for sample in self.samples)


@dataclass(frozen=True)
class Settings:
    """How to measure: samples a peer, threads a process, short runs or quick ones."""

    repeats: int
    threads: int
    quick: bool

    def steps(self, work: Work) -> tuple[int, int]:
        """The lengths of the short and the long run, in updates."""
        return work.quick_steps if self.quick else (work.short_steps, work.long_steps)


def missing_modules(peer: Peer) -> list[str]:
    """What the peer needs and is not installed."""
    return [module for module in peer.requires if find_spec(module) is None]


def measure_work(
    work: Work, peers: list[Peer], settings: Settings, report: Callable[[str], None]
) -> list[Row]:
    """Measure every peer `repeats` times, in turn; a peer that fails is not tried again."""
    rows = [Row(peer) for peer in peers if not (peer.mini_batches_only and work.full_batch)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(work, SEED, folder)
        short_steps, long_steps = settings.steps(work)
        task = Task(work.name, name, short_steps, long_steps, settings.threads)
        write_json(task, folder / "task.json")
        for repeat in range(1, settings.repeats + 1):
            for row in rows:
                if row.failure:
                    continue
                outcome = take_sample(row, folder, settings.threads)
                report(f"{work.name} {repeat}/{settings.repeats} {row.peer.name}: {outcome}")
    return rows


def take_sample(row: Row, folder: Path, threads: int) -> str:
    """Run one measuring process; its sample or failure goes into the row, and is told in words."""
    script, sample_file = Path(__file__).with_name("sample.py"), folder / "sample.json"
    sample_file.unlink(missing_ok=True)
    command = [sys.executable, str(script), row.peer.name, str(folder / "task.json")]
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    # Compiling is not what is measured: its result is kept between samples of a work, and no pool
    # of compiling processes lingers beside the timed loops.
    environment |= {
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    try:
        result = subprocess.run(
            [*command, str(sample_file)],
            check=False,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        row.failure = f"failed: not done after {TIMEOUT_SECONDS:.0f} s"
        return row.failure
    if result.returncode == 0:
        row.samples.append(read_sample(sample_file))
        return f"{row.step_times[-1]:.1f} µs a step"
    row.failure = f"failed: {cause(result.stderr) or f'exit code {result.returncode}'}"
    return row.failure


def cause(errors: str) -> str:
    """The line of a traceback that names the exception, or the last line there is."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for line in reversed(lines):
        name, colon, _ = line.partition(": ")
        if colon and name.replace(".", "").isidentifier() and name.endswith(("Error", "Exception")):
            return line
    return lines[-1] if lines else ""
