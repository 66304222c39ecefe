"""Train small networks many times with every peer: `python benchmarks/many_runs.py`.

It measures the processor's time of whole processes, from their start to the losses of all runs.
"""

import json
import resource
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

from measuring import machine
from measuring.options import positive, report, write_json
from measuring.processes import ProcessError, Processes
from measuring.table import aligned
from peers.many import MANY_PEERS, ManyPeer
from works.many import MANY_WORKS, ManyWork, many_work_named

COUNTS = (1, 8, 64, 1000)
TOLERANCE = 0.25  # of the mean final loss: seeds differ, and so do the peers' random numbers


@dataclass
class Row:
    """A peer's samples with one number of runs, or why there are none."""

    peer: ManyPeer
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def cpu(self) -> float:
        """Return the least processor time, in seconds: other processes only add to it."""
        return min(self.cpu_seconds)

    def rate(self, count: int) -> float:
        """Return the runs per core-second."""
        return count / self.cpu

    def agrees(self, loss: float) -> bool:
        """Return whether the mean loss of its runs is close to the given loss."""
        return abs(fmean(self.losses) - loss) <= TOLERANCE * loss

    def record(self, count: int) -> dict[str, Any]:
        """Return the row for the JSON."""
        row: dict[str, Any] = {"peer": self.peer.name, "counted": self.peer.counted}
        if self.failure:
            return row | {"failure": self.failure}
        row |= {"cpu_seconds": self.cpu_seconds, "seconds": self.seconds}
        return row | {"runs_per_core_second": self.rate(count), "loss": fmean(self.losses)}


def measure(row: Row, work: ManyWork, count: int, processes: Processes) -> None:
    """Add a sample, or the failure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work.write(folder)
        before, start = _children(), perf_counter()
        try:
            command = "-m", "measuring.many", row.peer.name, work.name, str(count), name
            processes.python(*command)
        except ProcessError as error:
            row.failure = str(error)
            return
        row.seconds.append(perf_counter() - start)
        row.cpu_seconds.append(_children() - before)
        row.losses = json.loads((folder / "losses.json").read_text("utf-8"))


def _children() -> float:
    """Return the processor time of all processes that have ended and that this one started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: list[Row], count: int) -> list[str]:
    """Return the lines of a table, most runs per core-second first."""
    measured = sorted((row for row in rows if row.cpu_seconds), key=lambda row: row.cpu)
    counted = [row for row in measured if row.peer.counted]
    middle = sorted(fmean(row.losses) for row in counted)[len(counted) // 2] if counted else None
    best = max((r.rate(count) for r in counted if middle and r.agrees(middle)), default=None)
    headers = ("peer", "runs/core-s", "ratio", "CPU s", "s", "loss")
    lines = [headers]
    for row in measured:
        same = middle is None or row.agrees(middle)
        lines.append(
            (
                row.peer.name,
                f"{row.rate(count):.3g}",
                f"{row.rate(count) / best:.2f}" if best else "-",
                f"{row.cpu:.2f}",
                f"{min(row.seconds):.2f}",
                f"{fmean(row.losses):.4g}" + ("" if same else " differs"),
            )
        )
    failures = [f"note: {row.peer.name} failed: {row.failure}" for row in rows if row.failure]
    return [*aligned(lines), *failures]


def chosen(names: list[str] | None) -> list[ManyPeer]:
    """Return the peers that are installed; report the others."""
    installed = []
    for peer in MANY_PEERS:
        if names is None or peer.name in names:
            missing = peer.missing()
            if missing:
                report(f"{peer.name} skipped: {', '.join(missing)} is not installed")
            else:
                installed.append(peer)
    return installed


def options() -> Namespace:
    """Return the arguments."""
    parser = ArgumentParser(description=__doc__)
    peers, works = [peer.name for peer in MANY_PEERS], [work.name for work in MANY_WORKS]
    parser.add_argument("--rounds", type=positive, default=2, help="samples of each (default 2)")
    parser.add_argument("--counts", type=positive, nargs="+", default=COUNTS, metavar="RUNS")
    parser.add_argument("--peers", nargs="+", choices=peers, metavar="NAME", help=", ".join(peers))
    parser.add_argument("--works", nargs="+", choices=works, metavar="NAME", default=works)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples here")
    return parser.parse_args()


def main() -> int:
    """Measure, print and write the results; return 1 if a peer failed."""
    arguments, failed = options(), False
    described = machine.describe()
    print(f"{described['processor']}, {machine.cores()} cores")
    print(", ".join(f"{name} {text}" for name, text in machine.installed_versions().items()))
    if machine.load() > machine.cores() / 2:
        report(f"the machine is busy (load {machine.load():.1f}): other processes add some time")
    records: list[dict[str, Any]] = []
    peers = chosen(arguments.peers)
    with tempfile.TemporaryDirectory() as caches:
        processes = Processes(machine.cores(), Path(caches))
        for work in map(many_work_named, arguments.works):
            if work.missing():
                report(f"{work.name} skipped: {work.requires} is not installed")
                continue
            for count in arguments.counts:
                rows = [Row(peer) for peer in peers if count <= peer.most]
                for turn in range(1, arguments.rounds + 1):
                    for row in rows:
                        if not row.failure:
                            measure(row, work, count, processes)
                        done = row.failure or f"{row.cpu_seconds[-1]:.2f} s"
                        report(
                            f"{work.name} {count} {turn}/{arguments.rounds} {row.peer.name}: {done}"
                        )
                print(f"\n{count} runs of {work.title}")
                print("\n".join(f"  {line}" for line in table(rows, count)), flush=True)
                record = {"work": work.name, "runs": count}
                records.append(record | {"rows": [row.record(count) for row in rows]})
                write_json(arguments.json, {"machine": described, "results": records})
                failed = failed or any(row.failure for row in rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
