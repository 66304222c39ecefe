"""JAX, jit: one compiled step, weights and moments donated, called from a Python loop."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

import jax
import jax.numpy as jnp
import numpy as np

from data import Weights, read_data, read_weights
from task import Sample, Task
from trainer import time_trainer
from works import BETA_1, BETA_2, EPSILON, Dense, Work

Arrays = dict[str, jax.Array]
State = tuple[Arrays, Arrays, Arrays, jax.Array]  # weights, first and second moments, updates made
Loss = Callable[[Work, Arrays, jax.Array, jax.Array], jax.Array]


def loss(work: Work, weights: Arrays, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean cross-entropy of a batch with one-hot labels, plus the L2 penalties."""
    output, number = x, 0
    for layer in work.layers:
        if isinstance(layer, Dense):
            number += 1
            output = output @ weights[f"dense_{number}.weights"] + weights[f"dense_{number}.biases"]
        else:
            output = jax.nn.relu(output)
    scores: jax.Array = jax.nn.log_softmax(output)
    total: jax.Array = penalty(work, weights) - jnp.sum(y * scores) / x.shape[0]
    return total


def penalty(work: Work, weights: Arrays) -> jax.Array:
    """The L2 penalties of all layers that have one."""
    total: jax.Array = jnp.zeros(())
    for number, layer in enumerate(work.dense, start=1):
        if layer.l2:
            w, b = weights[f"dense_{number}.weights"], weights[f"dense_{number}.biases"]
            total = total + layer.l2 * (jnp.sum(w * w) + jnp.sum(b * b))
    return total


def step(work: Work, loss: Loss, state: State, x: jax.Array, y: jax.Array) -> State:
    """One update of Adam."""
    weights, first, second, count = state
    gradients: Arrays = jax.grad(partial(loss, work))(weights, x, y)
    count = count + 1
    steps = count.astype(jnp.float32)
    correction_1, correction_2 = 1 - BETA_1**steps, 1 - BETA_2**steps
    new: tuple[Arrays, Arrays, Arrays] = ({}, {}, {})
    for name, gradient in gradients.items():
        m = BETA_1 * first[name] + (1 - BETA_1) * gradient
        v = BETA_2 * second[name] + (1 - BETA_2) * gradient * gradient
        change = (m / correction_1) / (jnp.sqrt(v / correction_2) + EPSILON)
        new[0][name] = weights[name] - work.learning_rate * change
        new[1][name], new[2][name] = m, v
    return (*new, count)


def device_data(task: Task) -> tuple[jax.Array, jax.Array]:
    """Samples (batches, batch, features) and one-hot labels (batches, batch, classes)."""
    work = task.work
    x, y = read_data(task.path)
    one_hot = np.eye(work.dense[-1].units, dtype=np.float32)[y]
    batches = (work.steps_per_epoch, work.batch, -1)
    return jnp.asarray(x.reshape(batches)), jnp.asarray(one_hot.reshape(batches))


class JaxTrainer:
    """Trains by a jitted step."""

    def __init__(self, task: Task) -> None:
        self.initial = read_weights(task.path)
        self.x, self.y = device_data(task)
        self.batches = list(zip(self.x, self.y, strict=True))
        self.step = jax.jit(partial(step, task.work, loss), donate_argnums=0)

    def reset(self) -> None:
        """The initial weights on the device, moments of zero."""
        initial = self.initial.items()
        self.state: State = (
            {name: jnp.array(value) for name, value in initial},
            {name: jnp.zeros(value.shape, jnp.float32) for name, value in initial},
            {name: jnp.zeros(value.shape, jnp.float32) for name, value in initial},
            jnp.int32(0),
        )
        jax.block_until_ready(self.state)

    def train(self, steps: int) -> None:
        """Dispatch the steps one by one and wait for the last."""
        state = self.state
        for x, y in islice(cycle(self.batches), steps):
            state = self.step(state, x, y)
        self.state = jax.block_until_ready(state)

    def weights(self) -> Weights:
        """Copied from the device."""
        return {name: np.array(value) for name, value in self.state[0].items()}


def measure(task: Task) -> Sample:
    """Time the Python loop over the jitted step."""
    return time_trainer(JaxTrainer(task), task)
