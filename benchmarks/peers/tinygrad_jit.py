"""tinygrad: a TinyJit step with tinygrad's Adam, on kernels compiled by clang."""

from itertools import cycle, islice
from typing import Any

import tinygrad
from tinygrad.nn.optim import Adam

from measuring.task import Task
from peers.tinygrad_network import arrays, scores, tensors
from works.data import Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON


class TinygradTrainer:
    """A trainer by a jitted step; the batches are prepared as tensors."""

    def __init__(self, task: Task) -> None:
        work = self.work = task.work
        x, y = read_data(task.path)
        starts = range(0, work.samples, work.batch)
        self.batches = [
            (self.tensor(x[at : at + work.batch]), self.tensor(y[at : at + work.batch]))
            for at in starts
        ]
        self.initial = read_weights(task.path)
        self.tensors = tensors(self.initial)
        parameters = list(self.tensors.values())
        self.optimizer = Adam(parameters, work.learning_rate, BETA_1, BETA_2, EPSILON)
        state = [*self.optimizer.m, *self.optimizer.v, self.optimizer.b1_t, self.optimizer.b2_t]
        self.states = [(tensor, tensor.numpy().copy()) for tensor in state]
        self.step = tinygrad.TinyJit(self.one_step)

    def tensor(self, array: Any) -> Any:
        """Return a copy of a part of the data; integers as int32, tinygrad's default."""
        return tinygrad.Tensor(array.astype("float32" if array.dtype.kind == "f" else "int32"))

    def one_step(self, x: Any, y: Any) -> Any:
        """Make one step: forward, backward and an update."""
        self.optimizer.zero_grad()
        loss = scores(self.work, self.tensors, x).sparse_categorical_crossentropy(y)
        for name, strength in self.work.penalties.items():
            w, b = self.tensors[f"{name}.weights"], self.tensors[f"{name}.biases"]
            loss = loss + strength * (w.square().sum() + b.square().sum())
        loss.backward()
        return loss.realize(*self.optimizer.schedule_step())

    def reset(self) -> None:
        """Write the initial values into the tensors that the compiled step uses."""
        for name, tensor in self.tensors.items():
            tensor.assign(tinygrad.Tensor(self.initial[name].copy())).realize()
        for tensor, value in self.states:
            tensor.assign(tinygrad.Tensor(value.copy())).realize()

    def train(self, steps: int) -> None:
        """Run the step on consecutive batches; the first two calls trace and compile it."""
        with tinygrad.Context(TRAINING=1):
            for x, y in islice(cycle(self.batches), steps):
                loss = self.step(x, y)
            loss.item()

    def weights(self) -> Weights:
        """Return copies of the weights."""
        return arrays(self.tensors)


def make(task: Task) -> TinygradTrainer:
    """Return the trainer."""
    return TinygradTrainer(task)
