"""What a measuring process is asked, and what it answers; both cross the border as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from works import Work, work_named


@dataclass(frozen=True)
class Task:
    """One measurement: train `work` for a short and for a long run on `threads` threads.

    `folder` holds the data and initial weights; steps are numbers of updates.
    """

    work_name: str
    folder: str
    short_steps: int
    long_steps: int
    threads: int

    @property
    def work(self) -> Work:
        """The work to train."""
        return work_named(self.work_name)

    @property
    def path(self) -> Path:
        """The folder of data and initial weights."""
        return Path(self.folder)


@dataclass(frozen=True)
class Sample:
    """One measurement's result: run times in seconds, losses over all samples after each run."""

    short_seconds: float
    long_seconds: float
    step_microseconds: float
    short_loss: float
    long_loss: float


def sample_of(task: Task, seconds: tuple[float, float], losses: tuple[float, float]) -> Sample:
    """The sample of a (short, long) pair: the step's time is the difference of the two runs."""
    step = (seconds[1] - seconds[0]) / (task.long_steps - task.short_steps)
    return Sample(seconds[0], seconds[1], 1e6 * step, losses[0], losses[1])


def write_json(value: Task | Sample, path: Path) -> None:
    """Write a task or a sample for the other process."""
    path.write_text(json.dumps(asdict(value)), encoding="utf-8")


def read_task(path: Path) -> Task:
    """The task that `write_json` wrote."""
    return Task(**json.loads(path.read_text(encoding="utf-8")))


def read_sample(path: Path) -> Sample:
    """The sample that `write_json` wrote."""
    return Sample(**json.loads(path.read_text(encoding="utf-8")))
