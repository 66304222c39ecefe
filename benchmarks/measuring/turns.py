"""Measuring in turns: a fresh process per sample, peers interleaved so that they share noise."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measuring.peer import Peer
from measuring.processes import ProcessError, Processes
from measuring.rows import Row, mark_slow
from measuring.task import Sample, Task
from works.data import write_files
from works.work import Work

SEED = 0


@dataclass(frozen=True)
class Settings:
    """How to measure: rounds of samples, threads per process, minimum seconds of a long run."""

    rounds: int
    threads: int
    seconds: float
    quick: bool

    def steps(self, work: Work) -> int:
        """Return the length of the short run, in updates."""
        return work.quick_steps if self.quick else work.short_steps


def measure_work(
    what: str,
    work: Work,
    peers: list[Peer],
    settings: Settings,
    caches: Path,
    report: Callable[[str], None],
) -> list[Row]:
    """Measure every peer, round by round; skip one that failed or is far too slow.

    `caches` is a folder for compiled code.
    """
    rows = [Row(peer) for peer in peers]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(work, SEED, folder)
        task = Task(work, name, settings.steps(work), settings.seconds, settings.threads)
        task.write(folder / "task.json")
        processes = Processes(settings.threads, caches)
        for turn in range(1, settings.rounds + 1):
            for row in rows:
                if not row.failure and not row.slow:
                    outcome = take_sample(what, row, processes, folder)
                    report(f"{work.name} {turn}/{settings.rounds} {row.peer.name}: {outcome}")
            if turn == 1:
                mark_slow(rows)
    return rows


def take_sample(what: str, row: Row, processes: Processes, folder: Path) -> str:
    """Run one measuring process, add its sample or failure to the row, and report it."""
    task, result = folder / "task.json", folder / "sample.json"
    try:
        processes.python("-m", "measuring.process", what, row.peer.name, task, result)
    except ProcessError as error:
        row.failure = f"failed: {error}"
        return row.failure
    row.samples.append(Sample.read(result))
    return f"{row.times[-1]:.1f} µs"
