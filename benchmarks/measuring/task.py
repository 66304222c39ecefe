"""What a measuring process is asked, and what it answers; both cross the border as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from works.work import Work


@dataclass(frozen=True)
class Task:
    """One measurement on `work`.

    Attributes:
        folder: of the data and initial weights.
        steps: the length of the short run, in updates; of the whole run from a cold start.
        seconds: what the long run should take, at least; of calls in inference.
        threads: how many a peer may use.
    """

    work: Work
    folder: str
    steps: int
    seconds: float
    threads: int

    @property
    def path(self) -> Path:
        """The folder of data and initial weights."""
        return Path(self.folder)

    def write(self, path: Path) -> None:
        """Write it for the other process."""
        record = {**asdict(self), "work": self.work.to_record()}
        path.write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The task that `write` wrote."""
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**record, "work": Work.from_record(record["work"])})


@dataclass(frozen=True)
class Sample:
    """One measurement's result.

    Attributes:
        microseconds: of a step, a call or a whole process.
        loss: after the short run over all samples; in inference the largest error.
        imported_megabytes: resident memory once the peer is imported.
        peak_megabytes: the most that was resident until the measurement's end.
    """

    microseconds: float
    loss: float
    imported_megabytes: float = 0.0
    peak_megabytes: float = 0.0

    def write(self, path: Path) -> None:
        """Write it for the other process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The sample that `write` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))
