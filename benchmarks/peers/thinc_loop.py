"""thinc: begin_update, backprop, finish_update with its Adam, in a Python loop."""

from itertools import cycle, islice
from typing import Any

import numpy as np
import thinc.api

from measuring.task import Task
from peers.thinc_network import ThincNetwork
from works.data import Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON


class ThincTrainer:
    """A trainer by thinc's loop."""

    def __init__(self, task: Task) -> None:
        work = task.work
        x, y = read_data(task.path)
        one_hot = np.eye(work.classes, dtype=np.float32)[y]
        starts = range(0, work.samples, work.batch)
        self.batches = [(x[at : at + work.batch], one_hot[at : at + work.batch]) for at in starts]
        self.work = work
        self.initial = read_weights(task.path)
        self.network = ThincNetwork(work)
        self.loss = thinc.api.CategoricalCrossentropy(normalize=True)

    def adam(self, l2: float) -> Any:
        """Return thinc's Adam, which adds the L2 gradient."""
        return thinc.api.Adam(
            self.work.learning_rate,
            beta1=BETA_1,
            beta2=BETA_2,
            eps=EPSILON,
            L2=2 * l2,
            L2_is_weight_decay=False,
            grad_clip=0.0,
        )

    def reset(self) -> None:
        """Restore the initial weights, with new optimizers, one for each L2 strength."""
        self.network.load(self.initial)
        strengths = {name: self.work.penalties.get(name, 0.0) for name in self.network.layers}
        optimizers = {strength: self.adam(strength) for strength in strengths.values()}
        self.updates = [
            (layer, optimizers[strengths[name]]) for name, layer in self.network.layers.items()
        ]

    def train(self, steps: int) -> None:
        """Run the usual loop."""
        model, loss, updates = self.network.model, self.loss, self.updates
        for x, y in islice(cycle(self.batches), steps):
            guesses, backprop = model.begin_update(x)
            backprop(loss.get_grad(guesses, y))
            for layer, optimizer in updates:
                layer.finish_update(optimizer)

    def weights(self) -> Weights:
        """Return the weights, laid out as in the works."""
        return self.network.weights()


def make(task: Task) -> ThincTrainer:
    """Return the trainer."""
    return ThincTrainer(task)
