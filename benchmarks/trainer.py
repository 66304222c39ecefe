"""What a peer inside the measuring process provides, and how it is timed."""

from time import perf_counter
from typing import Protocol

from data import Weights, read_data
from loss import training_loss
from task import Sample, Task, sample_of


class Trainer(Protocol):
    """A network on its data, ready to be trained from its initial weights again and again."""

    def reset(self) -> None:
        """Return to the initial weights and a fresh optimizer, keeping what was compiled."""

    def train(self, steps: int) -> None:
        """Make that many updates on consecutive batches, and return when the last is finished."""

    def weights(self) -> Weights:
        """Copies of the present weights, as NumPy arrays."""
        ...


def time_trainer(trainer: Trainer, task: Task) -> Sample:
    """Warm up with a short run, which compiles what there is to compile; then time both runs.

    Losses are computed after both: NumPy's BLAS threads spin for a while once they have worked, and
    would slow down a run that follows.
    """
    trainer.reset()
    trainer.train(task.short_steps)
    seconds, finished = [], []
    for steps in (task.short_steps, task.long_steps):
        trainer.reset()
        start = perf_counter()
        trainer.train(steps)
        seconds.append(perf_counter() - start)
        finished.append(trainer.weights())
    x, y = read_data(task.path)
    losses = [training_loss(task.work, weights, x, y) for weights in finished]
    return sample_of(task, (seconds[0], seconds[1]), (losses[0], losses[1]))
