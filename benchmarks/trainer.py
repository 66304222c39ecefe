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
        """The present weights, as NumPy arrays."""
        ...


def time_trainer(trainer: Trainer, task: Task) -> Sample:
    """Warm up with a short run, which compiles what there is to compile; then time both runs."""
    trainer.reset()
    trainer.train(task.short_steps)
    x, y = read_data(task.path)
    seconds, losses = [], []
    for steps in (task.short_steps, task.long_steps):
        trainer.reset()
        start = perf_counter()
        trainer.train(steps)
        seconds.append(perf_counter() - start)
        losses.append(training_loss(task.work, trainer.weights(), x, y))
    return sample_of(task, (seconds[0], seconds[1]), (losses[0], losses[1]))
