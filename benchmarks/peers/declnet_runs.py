"""declnet: `declnet.run` of a spec, whole, which validates, compiles, trains and evaluates."""

import declnet
import numpy as np
from safetensors.numpy import save_file

from measuring.task import Task
from peers.declnet_spec import spec
from works.data import Weights, read_weights


class DeclnetTrainer:
    """Trains by whole runs; what a run costs once cancels between the short and the long one."""

    def __init__(self, task: Task, kernels: str | None = None, shuffle: bool = False) -> None:
        self.task, self.kernels, self.shuffle = task, kernels, shuffle
        self.weights_file = task.path / "initial.safetensors"
        save_file(read_weights(task.path), self.weights_file)

    def reset(self) -> None:
        """Every run starts from the initial weights."""

    def train(self, steps: int) -> None:
        """A run, written nowhere."""
        task = self.task
        document = spec(
            task.work, task.path, self.weights_file, steps, self.kernels, shuffle=self.shuffle
        )
        self.result = declnet.run(declnet.parse_spec(document))

    def weights(self) -> Weights:
        """Named as ours are."""
        parameters = self.result.model.parameters()
        return {name: np.array(value, order="C") for name, value in parameters.items()}


def make(task: Task, kernels: str | None = None, shuffle: bool = False) -> DeclnetTrainer:
    """The trainer."""
    return DeclnetTrainer(task, kernels, shuffle)
