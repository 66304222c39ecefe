"""The limits as a command uses them: measured in processes of their own, and told in words."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring.processes import Processes
from works.work import Work

GIGA = 1e9


@dataclass(frozen=True)
class Limits:
    """What one thread and what all threads can do; `records` by threads, as `process` prints."""

    records: dict[int, dict[str, Any]]
    threads: int

    def of(self, work: Work) -> dict[str, float]:
        """The work's limits with all threads."""
        limits: dict[str, float] = self.records[self.threads]["works"][work.name]
        return limits

    def least(self, work: Work) -> float:
        """The microseconds that a step takes at least: its arithmetic's or its memory's."""
        limits = self.of(work)
        return max(limits["arithmetic_microseconds"], limits["memory_microseconds"])

    def machine_lines(self) -> list[str]:
        """The machine's rates."""
        lines = []
        for threads, record in self.records.items():
            rates = {size: rate / GIGA for size, rate in record["operations_a_second"].items()}
            sizes = ", ".join(f"{rate:.0f} at {size}" for size, rate in rates.items())
            speed = record["memory_bytes_a_second"] / GIGA
            lines.append(f"limits, {threads} threads: {sizes} GFLOP/s; memory {speed:.1f} GB/s")
        return lines

    def work_line(self, work: Work) -> str:
        """A work's limits."""
        limits = self.of(work)
        return (
            f"limits: {limits['operations'] / 1e6:.1f} MFLOP in "
            f"{limits['arithmetic_microseconds']:.1f} µs at the machine's best; "
            f"{limits['bytes'] / 1e6:.2f} MB in {limits['memory_microseconds']:.1f} µs at "
            f"{limits['bytes_a_second'] / GIGA:.0f} GB/s; NumPy's matrix products alone take "
            f"{limits['products_microseconds']:.1f} µs"
        )


def measure_limits(works: Sequence[Work], what: str, threads: int, seconds: float) -> Limits:
    """The limits of one thread and of all; `what`: training or inference."""
    records: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "works.json"
        file.write_text(json.dumps([work.to_record() for work in works]), encoding="utf-8")
        for count in sorted({1, threads}):
            arguments = (str(count), str(seconds), file, what)
            _, output = Processes(count, folder).python("-m", "limits.process", *arguments)
            records[count] = json.loads(output)
    return Limits(records, threads)
