"""PyTorch, torch.compile of the whole step: gradients and a hand-written Adam in one graph."""

from functools import partial
from itertools import cycle, islice

import torch
from torch import Tensor, nn

from data import Weights
from peers.torch_eager import TorchTrainer
from task import Sample, Task
from trainer import time_trainer
from works import BETA_1, BETA_2, EPSILON, Dense, Work

Tensors = tuple[Tensor, ...]  # weights and biases in turn, layer by layer
State = tuple[Tensors, Tensors, Tensors, Tensor]  # these, both moments, updates made


def loss(work: Work, parameters: Tensors, x: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of a batch; weights are (inputs, units)."""
    output, position = x, 0
    for layer in work.layers:
        if isinstance(layer, Dense):
            output = torch.addmm(parameters[position + 1], output, parameters[position])
            position += 2
        else:
            output = torch.relu(output)
    return nn.functional.cross_entropy(output, y)


def step(work: Work, state: State, x: Tensor, y: Tensor) -> None:
    """One update of Adam, in place."""
    parameters, first, second, count = state

    def loss_of(parameters: Tensors) -> Tensor:
        return loss(work, parameters, x, y)

    gradients: Tensors = torch.func.grad(loss_of)(parameters)
    count.add_(1)
    correction_1, correction_2 = 1 - BETA_1**count, 1 - BETA_2**count
    for index, (w, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        l2 = work.dense[index // 2].l2
        g = gradient + 2 * l2 * w if l2 else gradient
        m = BETA_1 * first[index] + (1 - BETA_1) * g
        v = BETA_2 * second[index] + (1 - BETA_2) * g * g
        first[index].copy_(m)
        second[index].copy_(v)
        change = (m / correction_1) / ((v / correction_2).sqrt() + EPSILON)
        w.sub_(work.learning_rate * change)


class StepTrainer(TorchTrainer):
    """Trains by a compiled function that updates its arguments in place."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        # cpp_wrapper calls the kernels from C++ instead of Python: 5 to 10 % of a small step.
        self.step = torch.compile(
            partial(step, self.work), fullgraph=True, dynamic=False, options={"cpp_wrapper": True}
        )

    def reset(self) -> None:
        """Copies of the initial weights, moments of zero."""
        parameters = tuple(torch.from_numpy(w.copy()) for w in self.initial.values())
        first = tuple(torch.zeros_like(w) for w in parameters)
        second = tuple(torch.zeros_like(w) for w in parameters)
        self.state: State = (parameters, first, second, torch.zeros(()))

    def train(self, steps: int) -> None:
        """A Python loop over the compiled step."""
        step, state = self.step, self.state
        with torch.no_grad():
            for x, y in islice(cycle(self.batches), steps):
                step(state, x, y)

    def weights(self) -> Weights:
        """Copied: the step works in place."""
        pairs = zip(self.initial, self.state[0], strict=True)
        return {name: parameter.numpy().copy() for name, parameter in pairs}


def measure(task: Task) -> Sample:
    """Time the loop. Inductor needs a C++ compiler, and fails without one."""
    return time_trainer(StepTrainer(task), task)
