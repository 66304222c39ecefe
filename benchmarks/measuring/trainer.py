"""The interface of a peer inside the measuring process, and its timing."""

from math import ceil
from time import perf_counter
from typing import Protocol

from measuring.memory import megabytes
from measuring.task import Sample, Task
from works.data import Weights, read_data
from works.numpy_network import training_loss


class Trainer(Protocol):
    """A network and its data, which can be trained from the initial weights repeatedly."""

    def reset(self) -> None:
        """Return to the initial weights and a fresh optimizer, keeping compiled code."""

    def train(self, steps: int) -> None:
        """Make that many updates on consecutive batches, and return once the last has finished."""

    def weights(self) -> Weights:
        """Return copies of the current weights, as NumPy arrays."""
        ...


def timed(trainer: Trainer, steps: int) -> float:
    """Return the seconds of a run from the initial weights."""
    trainer.reset()
    start = perf_counter()
    trainer.train(steps)
    return perf_counter() - start


def time_trainer(trainer: Trainer, task: Task, imported: float) -> Sample:
    """Warm up with a short run, which also compiles; then time two runs.

    The long run is a multiple of the short one, at least twice as long. A step's time comes from
    their difference, so that fixed costs cancel. The loss is computed last: NumPy's BLAS threads
    keep spinning for a while after use, and its float64 arrays do not belong to the peer's memory.
    """
    timed(trainer, task.steps)
    short = timed(trainer, task.steps)
    weights = trainer.weights()
    times = 1 + max(1, ceil(task.seconds / short))
    long = timed(trainer, times * task.steps)
    peak = megabytes("VmHWM")
    step = (long - short) / ((times - 1) * task.steps)
    loss = training_loss(task.work, weights, *read_data(task.path))
    return Sample(1e6 * step, loss, imported, peak)
