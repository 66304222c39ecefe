"""The limits that commands use, measured in separate processes, and their description."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measuring.processes import Processes
from works.work import Work

GIGA, MEGA, MICRO = 1e9, 1e6, 1e-6


@dataclass(frozen=True)
class WorkLimits:
    """Lower bounds of a step's time on this machine, in microseconds.

    Attributes:
        operations: number of operations in its matrix products.
        bytes: minimum number of bytes moved between memory and cores.
        arithmetic: time of the operations at the best rate of any matrix size.
        memory: time of the bytes at the rate measured on arrays of as many bytes as the work keeps.
        products: time that NumPy takes for the work's own matrix products alone.
    """

    operations: float
    bytes: float
    arithmetic: float
    memory: float
    products: float

    @property
    def least(self) -> float:
        """Return the lower bound of a step: the longer of its arithmetic and its memory time."""
        return max(self.arithmetic, self.memory)

    def __str__(self) -> str:
        return (
            f"limits: {self.operations / MEGA:.2f} MFLOP in {self.arithmetic:.1f} µs, "
            f"{self.bytes / MEGA:.2f} MB in {self.memory:.1f} µs at the machine's best; "
            f"its matrix products alone take NumPy {self.products:.1f} µs"
        )

    def record(self) -> dict[str, float]:
        """Return all fields, for the JSON."""
        return {**asdict(self), "least": self.least}


@dataclass(frozen=True)
class Limits:
    """The rates of one thread and of all; `records` by threads, as `process` prints them."""

    records: dict[int, dict[str, Any]]

    def best_rate(self, dtype: str) -> float:
        """Return the best rate in operations per second, for any thread count and matrix size."""
        rates = [record["operations_a_second"][dtype].values() for record in self.records.values()]
        return float(max(rate for by_size in rates for rate in by_size))

    def of(self, work: Work) -> WorkLimits:
        """Return the work's limits, with one thread where a second one does not help."""
        measurements = [record["works"][work.name] for record in self.records.values()]
        operations, traffic = measurements[0]["operations"], measurements[0]["bytes"]
        return WorkLimits(
            operations,
            traffic,
            operations / self.best_rate(work.dtype) / MICRO,
            traffic / max(measurement["bytes_a_second"] for measurement in measurements) / MICRO,
            min(measurement["products_microseconds"] for measurement in measurements),
        )

    def lines(self) -> list[str]:
        """Return the lines that describe the machine's rates."""
        lines = []
        for threads, record in self.records.items():
            sizes = "; ".join(
                f"{dtype} "
                + ", ".join(
                    f"{rate / GIGA:.0f} (squares of {size})" for size, rate in rates.items()
                )
                for dtype, rates in record["operations_a_second"].items()
            )
            speed = record["memory_bytes_a_second"] / GIGA
            lines.append(f"limits, threads {threads}: GFLOP/s {sizes}; memory {speed:.1f} GB/s")
        return lines


def measure_limits(works: Sequence[Work], what: str, threads: int, seconds: float) -> Limits:
    """Return the limits of one thread and of all; `what` is training or inference."""
    records: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "works.json"
        file.write_text(json.dumps([work.to_record() for work in works]), encoding="utf-8")
        for count in sorted({1, threads}):
            arguments = (str(count), str(seconds), file, what)
            _, output = Processes(count, folder).python("-m", "limits.process", *arguments)
            records[count] = json.loads(output)
    return Limits(records)
