"""declnet: whole calls of `declnet.run`, which validates, compiles, trains and evaluates."""

import declnet
import numpy as np
from safetensors.numpy import save_file

from measuring.task import Task
from peers.declnet_softsign import Softsign
from peers.declnet_spec import spec
from works.data import Weights, read_weights


class DeclnetTrainer:
    """A trainer by whole runs; fixed costs cancel between the short and the long run."""

    def __init__(self, task: Task, kernels: str | None = None, shuffle: bool = False) -> None:
        self.task, self.kernels, self.shuffle = task, kernels, shuffle
        self.weights_file = task.path / "initial.safetensors"
        save_file(gates_swapped(read_weights(task.path)), self.weights_file)
        self.registry = declnet.discover()
        self.registry.register(Softsign)

    def reset(self) -> None:
        """Do nothing: every run starts from the initial weights."""

    def train(self, steps: int) -> None:
        """Run without writing files."""
        task = self.task
        document = spec(
            task.work, task.path, self.weights_file, steps, self.kernels, shuffle=self.shuffle
        )
        self.result = declnet.run(declnet.parse_spec(document, self.registry))

    def weights(self) -> Weights:
        """Return the weights, named as in the works."""
        parameters = self.result.model.parameters()
        return gates_swapped({name: np.array(w, order="C") for name, w in parameters.items()})


def gates_swapped(weights: Weights) -> Weights:
    """Return the weights with an LSTM's last two gates swapped: declnet has the candidate last."""
    swapped = dict(weights)
    for name, w in weights.items():
        if name.startswith("lstm"):
            i, f, third, fourth = np.split(w, 4, axis=-1)
            swapped[name] = np.concatenate([i, f, fourth, third], axis=-1)
    return swapped


def make(task: Task, kernels: str | None = None, shuffle: bool = False) -> DeclnetTrainer:
    """Return the trainer."""
    return DeclnetTrainer(task, kernels, shuffle)
