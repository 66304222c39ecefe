"""A peer's samples on a work, and whom they are measured against."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from measuring.peer import Peer
from measuring.task import Sample

SLOW = 10.0  # who takes so many times the best peer's time in the first round is not tried again
STEADY = 1.5  # the slowest sample may take so many times the fastest


@dataclass
class Row:
    """A peer's samples on one work, or why there are none."""

    peer: Peer
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""
    slow: bool = False  # one sample was enough to know

    @property
    def times(self) -> list[float]:
        """Microseconds, one a sample."""
        return [sample.microseconds for sample in self.samples]

    @property
    def median(self) -> float:
        """The median of the times, in microseconds."""
        return median(self.times)

    @property
    def loss(self) -> float:
        """The loss; the same in every sample but for rounding."""
        return median(sample.loss for sample in self.samples)

    @property
    def peak(self) -> float:
        """The median of the peaks of memory, in MB."""
        return median(sample.peak_megabytes for sample in self.samples)

    @property
    def steady(self) -> bool:
        """Whether the samples are near enough to each other to be trusted."""
        return 0 < max(self.times) <= STEADY * min(self.times)


@dataclass(frozen=True)
class Comparison:
    """The rows of a work; `tolerance` is how far losses may be from the agreed one, relatively."""

    rows: list[Row]
    tolerance: float = 0.01

    @property
    def measured(self) -> list[Row]:
        """The rows that have samples, fastest first."""
        return sorted((row for row in self.rows if row.samples), key=lambda row: row.median)

    @property
    def agreed_loss(self) -> float | None:
        """What all should end with: the counted peers' median, so declnet has no vote."""
        losses = [row.loss for row in self.measured if row.peer.counted]
        return median(losses) if losses else None

    def agrees(self, row: Row) -> bool:
        """Whether the peer ended with the agreed loss, where it should."""
        loss = self.agreed_loss
        if loss is None or not row.peer.same_batches:
            return True
        return abs(row.loss - loss) <= self.tolerance * abs(loss)

    @property
    def best(self) -> float | None:
        """The fastest median, in microseconds, among counted peers that compute the same."""
        times = [row.median for row in self.measured if row.peer.counted and self.agrees(row)]
        times = [time for time in times if time > 0]  # differences of noise are no times
        return min(times, default=None)

    def record(self) -> dict[str, Any]:
        """It all, for the JSON."""
        return {"best_microseconds": self.best, "rows": [self.row_record(row) for row in self.rows]}

    def row_record(self, row: Row) -> dict[str, Any]:
        """A row, with its figures where there are any."""
        record: dict[str, Any] = {"peer": row.peer.name, "counted": row.peer.counted}
        if row.failure:
            record["failure"] = row.failure
        if row.samples:
            record["median"] = row.median
            record["minimum"], record["maximum"] = min(row.times), max(row.times)
            record["ratio"] = row.median / self.best if self.best else None
            record["loss"], record["agrees"] = row.loss, self.agrees(row)
            record["peak_megabytes"] = row.peak
        return record | {"samples": [asdict(sample) for sample in row.samples]}


def mark_slow(rows: list[Row]) -> None:
    """Mark the peers that are so slow that further samples would tell nothing new."""
    best = Comparison(rows).best
    for row in rows:
        row.slow = bool(row.samples and row.peer.counted and best and row.median > SLOW * best)
