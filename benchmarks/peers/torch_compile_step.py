"""PyTorch, torch.compile of the whole step: gradients and a hand-written Adam in one graph."""

from functools import partial
from itertools import cycle, islice

import torch
from torch import Tensor, nn

from measuring.task import Task
from peers.torch_eager import TorchTrainer
from works.data import Weights
from works.layers import Conv2d, Dense, Embedding, Flatten, MaxPool2d
from works.work import BETA_1, BETA_2, EPSILON, Work

Tensors = dict[str, Tensor]  # named and laid out as Weights
State = tuple[Tensors, Tensors, Tensors, Tensor]  # these, both moments, updates made


def loss(work: Work, parameters: Tensors, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy of a batch."""
    output = x
    for name, layer in work.named_layers:
        own = [parameters[f"{name}.{key}"] for key in layer.parameters]
        if isinstance(layer, Dense):
            output = torch.addmm(own[1], output, own[0])
        elif isinstance(layer, Conv2d):
            output = nn.functional.conv2d(output, own[0], own[1], padding=1)
        elif isinstance(layer, Embedding):
            output = nn.functional.embedding(output, own[0])
        elif isinstance(layer, MaxPool2d):
            output = nn.functional.max_pool2d(output, 2)
        elif isinstance(layer, Flatten):
            output = torch.flatten(output, 1)
        else:
            output = torch.relu(output)
    return nn.functional.cross_entropy(output, y)


def step(work: Work, state: State, x: Tensor, y: Tensor) -> None:
    """Make one Adam update, in place."""
    parameters, first, second, count = state

    def loss_of(parameters: Tensors) -> Tensor:
        return loss(work, parameters, x, y)

    gradients: Tensors = torch.func.grad(loss_of)(parameters)
    count.add_(1)
    correction_1, correction_2 = 1 - BETA_1**count, 1 - BETA_2**count
    for name, gradient in gradients.items():
        w = parameters[name]
        l2 = work.penalties.get(name.partition(".")[0], 0.0)
        g = gradient + 2 * l2 * w if l2 else gradient
        m = BETA_1 * first[name] + (1 - BETA_1) * g
        v = BETA_2 * second[name] + (1 - BETA_2) * g * g
        first[name].copy_(m)
        second[name].copy_(v)
        change = (m / correction_1) / ((v / correction_2).sqrt() + EPSILON)
        w.sub_(work.learning_rate * change)


class StepTrainer(TorchTrainer):
    """A trainer by a compiled function that updates its arguments in place."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        # cpp_wrapper calls the kernels from C++ instead of Python: 5 to 10 % of a small step.
        self.step = torch.compile(
            partial(step, self.work), fullgraph=True, dynamic=False, options={"cpp_wrapper": True}
        )

    def reset(self) -> None:
        """Copy the initial weights, and set the moments to zero."""
        parameters = {name: torch.from_numpy(w.copy()) for name, w in self.initial.items()}
        first = {name: torch.zeros_like(w) for name, w in parameters.items()}
        second = {name: torch.zeros_like(w) for name, w in parameters.items()}
        self.state: State = (parameters, first, second, torch.zeros(()))

    def train(self, steps: int) -> None:
        """Loop over the compiled step in Python."""
        step, state = self.step, self.state
        with torch.no_grad():
            for x, y in islice(cycle(self.batches), steps):
                step(state, x, y)

    def weights(self) -> Weights:
        """Return copies of the weights, since the step works in place."""
        return {name: tensor.numpy().copy() for name, tensor in self.state[0].items()}


def make(task: Task) -> StepTrainer:
    """Return the trainer."""
    return StepTrainer(task)
