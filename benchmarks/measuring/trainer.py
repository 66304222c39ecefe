"""What a peer inside the measuring process provides, and how it is timed."""

from math import ceil
from time import perf_counter
from typing import Protocol

from measuring.memory import megabytes
from measuring.task import Sample, Task
from works.data import Weights, read_data
from works.numpy_network import training_loss


class Trainer(Protocol):
    """A network on its data, ready to be trained from its initial weights again and again."""

    def reset(self) -> None:
        """Return to the initial weights and a fresh optimizer, keeping what was compiled."""

    def train(self, steps: int) -> None:
        """Make that many updates on consecutive batches, and return when the last is finished."""

    def weights(self) -> Weights:
        """Copies of the present weights, as NumPy arrays."""
        ...


def timed(trainer: Trainer, steps: int) -> float:
    """The seconds of a run from the initial weights."""
    trainer.reset()
    start = perf_counter()
    trainer.train(steps)
    return perf_counter() - start


def time_trainer(trainer: Trainer, task: Task, imported: float) -> Sample:
    """Warm up with a short run, which compiles what there is to compile; then time two runs.

    The long run is a multiple of the short one, and at least twice; the step's time is their
    difference, so that what a run costs once cancels. The loss is computed last: NumPy's BLAS
    threads spin for a while once they have worked, and its float64 arrays are no peer's memory.
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
