"""Measure how declnet's cost grows: `python benchmarks/growth.py`.

A step's time against batch, width and depth; a whole process's against samples and epochs.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring.options import chosen_peers, heading, parser, report, settings_of, write_json
from measuring.peer import Peer
from measuring.processes import Processes
from measuring.rows import Row
from measuring.table import aligned
from measuring.task import Task
from measuring.turns import SEED, Settings, measure_work
from peers import PEERS
from whole.training import WholeRow, measure_whole
from works import SPIRAL, perceptron
from works.data import write_files
from works.work import Work

BASE = Work("base", "64→128→128→10", (64,), perceptron((64, 128, 128, 10)), "linear",
            4096, 128, 0.001, 64, 32)  # fmt: skip
POINTS = {
    "batch": (1, 8, 32, 128, 512, 2048, 8192),
    "width": (16, 32, 64, 128, 256, 512, 1024),
    "depth": (1, 2, 4, 8, 16, 32),
    "samples": (1_000, 10_000, 100_000, 1_000_000),
    "epochs": (1, 10, 100, 1_000, 10_000),
}
OURS = ["declnet", "declnet-jit"]


def work_at(axis: str, value: int) -> Work:
    """Return the base work with `axis` set to that value."""
    if axis == "batch":
        samples = max(64, value)
        steps = max(samples // value, 32)
        return replace(BASE, batch=value, samples=samples, short_steps=steps, quick_steps=steps)
    if axis == "samples":  # one epoch over them
        count = value // BASE.batch * BASE.batch
        steps = count // BASE.batch
        return replace(BASE, samples=count, short_steps=steps, quick_steps=steps)
    if axis == "epochs":
        return replace(BASE, sample_shape=(2,), layers=SPIRAL, data="spiral", samples=300,
                       batch=300, learning_rate=0.005, short_steps=value)  # fmt: skip
    sizes = (64, *[value] * 2, 10) if axis == "width" else (64, *[128] * value, 10)
    return replace(BASE, layers=perceptron(sizes))


def measured_points(
    axis: str, peers: list[Peer], settings: Settings
) -> Iterator[tuple[int, list[Row]]]:
    """Return the rows of each point on the axis; a quick run measures only a few points."""
    for value in POINTS[axis][: 2 if settings.quick else None]:
        work = replace(work_at(axis, value), name=f"{axis}_{value}")
        if axis not in {"samples", "epochs"}:
            with tempfile.TemporaryDirectory() as name:
                caches = Path(name)
                yield value, measure_work("training", work, peers, settings, caches, report)
            continue
        with tempfile.TemporaryDirectory() as name:
            write_files(work, SEED, Path(name))
            rows = [WholeRow(peer) for peer in peers]
            task = Task(work, name, work.short_steps, settings.seconds, settings.threads)
            measure_whole(
                task, rows, Processes(settings.threads, Path(name)), settings.rounds, report
            )
            yield value, [*rows]


def table(axis: str, points: list[tuple[int, list[Row]]]) -> str:
    """Return the table of medians, one line per point."""
    rows = points[0][1]
    whole = axis in {"samples", "epochs"}
    unit = "ms in all" if whole else "µs a step"
    lines: list[tuple[str, ...]] = [(axis, *(f"{row.peer.name} {unit}" for row in rows))]
    for value, measured in points:
        times = [row.median / (1000 if whole else 1) if row.samples else None for row in measured]
        lines.append((str(value), *("failed" if t is None else f"{t:.1f}" for t in times)))
    return "\n".join(aligned(lines))


def point_record(value: int, rows: list[Row]) -> dict[str, Any]:
    """Return a point for the JSON: the median and all times in microseconds, by peer."""
    medians = {row.peer.name: row.median for row in rows if row.samples}
    return {"value": value, "medians": medians, "times": {row.peer.name: row.times for row in rows}}


def main() -> int:
    """Measure, print and write the results; return 1 if a peer failed."""
    options = parser(__doc__ or "", PEERS, [])
    axes = list(POINTS)
    options.add_argument("--axes", nargs="+", choices=axes, default=axes, help=", ".join(axes))
    arguments = options.parse_args()
    settings = settings_of(arguments)
    peers = chosen_peers(PEERS, arguments.peers or OURS, arguments.quick)
    head = heading(settings, f"growth around {BASE.title}, and of the spiral's epochs")
    failed, records = False, {}
    for axis in arguments.axes:
        points = list(measured_points(axis, peers, settings))
        print(f"\n{table(axis, points)}", flush=True)
        records[axis] = [point_record(value, rows) for value, rows in points]
        failed = failed or any(row.failure for _, rows in points for row in rows)
        write_json(arguments.json, {"kind": "growth", **head, "axes": records})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
