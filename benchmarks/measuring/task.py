"""The task of a measuring process and its result, exchanged as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from works.work import Work


@dataclass(frozen=True)
class Task:
    """One measurement on `work`.

    Attributes:
        folder: folder of the data and initial weights.
        steps: length in updates of the short run, or of the whole run from a cold start.
        seconds: minimum duration of the long run, or of all calls in inference.
        threads: number of threads that a peer may use.
    """

    work: Work
    folder: str
    steps: int
    seconds: float
    threads: int

    @property
    def path(self) -> Path:
        """Return the folder of the data and initial weights."""
        return Path(self.folder)

    def write(self, path: Path) -> None:
        """Write the task for the other process."""
        record = {**asdict(self), "work": self.work.to_record()}
        path.write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the task that `write` wrote."""
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**record, "work": Work.from_record(record["work"])})


@dataclass(frozen=True)
class Sample:
    """One measurement's result.

    Attributes:
        microseconds: time of a step, a call or a whole process.
        loss: loss over all samples after the short run; in inference, the largest error.
        imported_megabytes: resident memory once the peer is imported.
        peak_megabytes: peak resident memory until the end of the measurement.
    """

    microseconds: float
    loss: float
    imported_megabytes: float = 0.0
    peak_megabytes: float = 0.0

    def write(self, path: Path) -> None:
        """Write the sample for the other process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the sample that `write` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))
