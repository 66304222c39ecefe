"""A peer's samples on a work, and the reference they are compared with."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from measuring.peer import Peer
from measuring.task import Sample

SLOW = 10.0  # times the best peer's time; slower peers are not measured after the first round
STEADY = 1.5  # largest acceptable ratio of the slowest sample to the fastest


@dataclass
class Row:
    """A peer's samples on one work, or the reason why there are none."""

    peer: Peer
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""
    slow: bool = False  # too slow to measure again

    @property
    def times(self) -> list[float]:
        """Return the times in microseconds, one per sample."""
        return [sample.microseconds for sample in self.samples]

    @property
    def median(self) -> float:
        """Return the median of the times, in microseconds."""
        return median(self.times)

    @property
    def loss(self) -> float:
        """Return the loss, which is the same in every sample up to rounding."""
        return median(sample.loss for sample in self.samples)

    @property
    def peak(self) -> float:
        """Return the median of the peak memory, in MB."""
        return median(sample.peak_megabytes for sample in self.samples)

    @property
    def steady(self) -> bool:
        """Return whether the samples are close enough to each other to be trusted."""
        return 0 < max(self.times) <= STEADY * min(self.times)


@dataclass(frozen=True)
class Comparison:
    """The rows of a work; `tolerance` bounds the relative deviation from the agreed loss."""

    rows: list[Row]
    tolerance: float = 0.01

    @property
    def measured(self) -> list[Row]:
        """Return the rows that have samples, fastest first."""
        return sorted((row for row in self.rows if row.samples), key=lambda row: row.median)

    @property
    def agreed_loss(self) -> float | None:
        """Return the counted peers' median loss, the reference for all; declnet has no vote."""
        losses = [row.loss for row in self.measured if row.peer.counted]
        return median(losses) if losses else None

    def agrees(self, row: Row) -> bool:
        """Return whether the peer's loss matches the agreed one, where it should."""
        loss = self.agreed_loss
        if loss is None or not row.peer.same_batches:
            return True
        return abs(row.loss - loss) <= self.tolerance * abs(loss)

    @property
    def best(self) -> float | None:
        """Return the fastest median, in microseconds, of the counted peers whose loss agrees."""
        times = [row.median for row in self.measured if row.peer.counted and self.agrees(row)]
        times = [time for time in times if time > 0]  # noise can make differences negative
        return min(times, default=None)

    def record(self) -> dict[str, Any]:
        """Return the whole comparison, for the JSON."""
        return {"best_microseconds": self.best, "rows": [self.row_record(row) for row in self.rows]}

    def row_record(self, row: Row) -> dict[str, Any]:
        """Return a row, with its measurements if there are any."""
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
    """Mark the peers that are too slow for further samples to be useful."""
    best = Comparison(rows).best
    for row in rows:
        row.slow = bool(row.samples and row.peer.counted and best and row.median > SLOW * best)
