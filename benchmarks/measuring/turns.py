"""Measuring: a fresh process for every sample, peers taken in turn so that they share the noise."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measuring.peer import Peer
from measuring.processes import ProcessError, Processes
from measuring.rows import Row
from measuring.task import Sample, Task
from works.data import write_files
from works.work import Work

SEED = 0


@dataclass(frozen=True)
class Settings:
    """How to measure: rounds of samples, threads a process, the least seconds of a long run."""

    rounds: int
    threads: int
    seconds: float
    quick: bool

    def steps(self, work: Work) -> int:
        """The length of the short run, in updates."""
        return work.quick_steps if self.quick else work.short_steps


def measure_work(
    what: str, work: Work, peers: list[Peer], settings: Settings, report: Callable[[str], None]
) -> list[Row]:
    """Measure every peer, round by round; a peer that fails is not tried again."""
    rows = [Row(peer) for peer in peers]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(work, SEED, folder)
        task = Task(work, name, settings.steps(work), settings.seconds, settings.threads)
        task.write(folder / "task.json")
        processes = Processes(settings.threads, folder)
        for turn in range(1, settings.rounds + 1):
            for row in rows:
                if not row.failure:
                    outcome = take_sample(what, row, processes)
                    report(f"{work.name} {turn}/{settings.rounds} {row.peer.name}: {outcome}")
    return rows


def take_sample(what: str, row: Row, processes: Processes) -> str:
    """Run one measuring process; its sample or failure goes into the row, and is told in words."""
    result = processes.folder / "sample.json"
    task = processes.folder / "task.json"
    try:
        processes.python("-m", "measuring.process", what, row.peer.name, task, result)
    except ProcessError as error:
        row.failure = f"failed: {error}"
        return row.failure
    row.samples.append(Sample.read(result))
    return f"{row.times[-1]:.1f} µs"
