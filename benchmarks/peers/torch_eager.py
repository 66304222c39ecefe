"""PyTorch: nn.Sequential, the loss, backward, Adam; eager, or forward and backward compiled.

Adam is fused, or `torch.optim.Adam` with its defaults.
"""

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor, nn

from measuring.task import Task
from peers.torch_network import TorchNetwork
from works.data import VALIDATION_FILE, Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON


class TorchTrainer:
    """A trainer by `compute_loss`, which may be compiled."""

    def __init__(self, task: Task, fused: bool = True, compiled: bool = False) -> None:
        torch.set_num_threads(task.threads)
        self.fused, self.work = fused, task.work
        x, y = read_data(task.path)
        batch = self.work.batch
        xs, ys = torch.from_numpy(x).split(batch), torch.from_numpy(y).split(batch)
        self.batches = list(zip(xs, ys, strict=True))
        validation = read_data(task.path, VALIDATION_FILE)
        self.validation = torch.from_numpy(validation[0]), torch.from_numpy(validation[1])
        self.initial = read_weights(task.path)
        self.network = TorchNetwork(self.work)
        functions = nn.functional
        self.loss = functions.cross_entropy if self.work.classifies else functions.mse_loss
        self.compute_loss: Callable[[Tensor, Tensor], Tensor] = self.eager_loss
        if compiled:  # by Inductor, which needs a C++ compiler and fails without one
            self.compute_loss = torch.compile(self.eager_loss, fullgraph=True, dynamic=False)

    def eager_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss of a batch; the penalty acts through the optimizer."""
        mean: Tensor = self.loss(self.network.model(x), y)
        return mean

    def groups(self) -> list[dict[str, Any]]:
        """Return parameter groups by weight decay, which adds the L2 gradient, 2 * l2 * w."""
        penalties = self.work.penalties
        if not penalties:  # one group: one fused kernel
            return [{"params": list(self.network.model.parameters())}]
        return [
            {"params": list(module.parameters()), "weight_decay": 2 * penalties.get(name, 0.0)}
            for name, module in self.network.modules.items()
            if list(module.parameters())
        ]

    def reset(self) -> None:
        """Copy the initial weights in, with a new Adam."""
        self.network.load(self.initial)
        betas, rate = (BETA_1, BETA_2), self.work.learning_rate
        self.optimizer = torch.optim.Adam(self.groups(), rate, betas, EPSILON, fused=self.fused)

    def train(self, steps: int) -> None:
        """Run the usual loop; if the work is validated, in the usual loop of epochs."""
        if not self.work.validated:
            self.run(steps)
            return
        lowest, best = float("inf"), self.network.model.state_dict()
        for _ in range(steps // self.work.steps_per_epoch):
            self.run(self.work.steps_per_epoch)
            with torch.no_grad():
                loss = self.compute_loss(*self.validation).item()
            if loss < lowest:
                state = self.network.model.state_dict()
                lowest, best = loss, {name: value.clone() for name, value in state.items()}
        self.network.model.load_state_dict(best)

    def run(self, steps: int) -> None:
        """Make steps."""
        compute_loss, optimizer = self.compute_loss, self.optimizer
        batches = self.shuffled() if self.work.shuffled else cycle(self.batches)
        for x, y in islice(batches, steps):
            compute_loss(x, y).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def shuffled(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples as one batch, each time in a new order."""
        ((x, y),) = self.batches
        while True:
            order = torch.randperm(len(x))
            yield x[order], y[order]

    def weights(self) -> Weights:
        """Return the weights, laid out as in the works."""
        return self.network.weights()


def make(task: Task, fused: bool = True, compiled: bool = False) -> TorchTrainer:
    """Return the trainer."""
    return TorchTrainer(task, fused, compiled)
