"""PyTorch, eager: nn.Sequential, cross_entropy, backward, Adam (fused, or as it is by default)."""

from collections.abc import Callable
from itertools import cycle, islice

import torch
from torch import Tensor, nn

from data import Weights, read_data, read_weights
from task import Sample, Task
from trainer import time_trainer
from works import BETA_1, BETA_2, EPSILON, Dense, Layer


def torch_layer(layer: Layer) -> nn.Module:
    """The layer as torch has it, weights not yet set."""
    return nn.Linear(layer.inputs, layer.units) if isinstance(layer, Dense) else nn.ReLU()


class TorchTrainer:
    """Trains by `compute_loss`, which may be a compiled one."""

    def __init__(self, task: Task, fused: bool = True) -> None:
        self.fused = fused
        torch.set_num_threads(task.threads)
        work = task.work
        x, y = read_data(task.path)
        xs, ys = torch.from_numpy(x).split(work.batch), torch.from_numpy(y).split(work.batch)
        self.batches = list(zip(xs, ys, strict=True))
        self.work = work
        self.initial = read_weights(task.path)
        self.model = nn.Sequential(*(torch_layer(layer) for layer in work.layers))
        self.linear = [module for module in self.model if isinstance(module, nn.Linear)]
        self.compute_loss: Callable[[Tensor, Tensor], Tensor] = self.eager_loss

    def eager_loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy of a batch; the penalty acts through the optimizer."""
        scores: Tensor = self.model(x)
        return nn.functional.cross_entropy(scores, y)

    def reset(self) -> None:
        """Copy the initial weights in; a new Adam, which adds L2's gradient, 2 * l2 * w."""
        groups = []
        with torch.no_grad():
            for number, (layer, linear) in enumerate(
                zip(self.work.dense, self.linear, strict=True)
            ):
                weights = torch.from_numpy(self.initial[f"dense_{number + 1}.weights"])
                biases = torch.from_numpy(self.initial[f"dense_{number + 1}.biases"])
                linear.weight.copy_(weights.T)
                linear.bias.copy_(biases)
                groups.append({"params": list(linear.parameters()), "weight_decay": 2 * layer.l2})
        if not any(layer.l2 for layer in self.work.dense):  # one group: one fused kernel
            groups = [{"params": list(self.model.parameters())}]
        self.optimizer = torch.optim.Adam(
            groups, self.work.learning_rate, (BETA_1, BETA_2), EPSILON, fused=self.fused
        )

    def train(self, steps: int) -> None:
        """The usual loop."""
        compute_loss, optimizer = self.compute_loss, self.optimizer
        for x, y in islice(cycle(self.batches), steps):
            compute_loss(x, y).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def weights(self) -> Weights:
        """Linear's weights are (units, inputs): transposed back."""
        weights: Weights = {}
        for number, linear in enumerate(self.linear, start=1):
            weights[f"dense_{number}.weights"] = linear.weight.detach().numpy().T.copy()
            weights[f"dense_{number}.biases"] = linear.bias.detach().numpy().copy()
        return weights


def measure(task: Task) -> Sample:
    """Time the eager loop."""
    return time_trainer(TorchTrainer(task), task)
