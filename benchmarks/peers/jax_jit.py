"""JAX, jit: one compiled step, weights and moments donated, called from a Python loop."""

from collections.abc import Callable
from functools import partial
from itertools import cycle, islice

import jax
import jax.numpy as jnp
import numpy as np

from measuring.task import Task
from peers.jax_network import Arrays, loss
from works.channels_last import samples_last, weights_first, weights_last
from works.data import Weights, read_data, read_weights
from works.work import BETA_1, BETA_2, EPSILON, Work

State = tuple[Arrays, Arrays, Arrays, jax.Array]  # weights, first and second moments, updates made
Loss = Callable[[Work, Arrays, jax.Array, jax.Array], jax.Array]


def step(work: Work, loss: Loss, state: State, x: jax.Array, y: jax.Array) -> State:
    """Make one Adam update."""
    weights, first, second, count = state
    if work.shuffled:
        order = jax.random.permutation(jax.random.fold_in(jax.random.key(0), count), len(x))
        x, y = x[order], y[order]
    gradients: Arrays = jax.grad(partial(loss, work))(weights, x, y)
    count = count + 1
    steps = count.astype(work.dtype)
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
    """Return samples (batches, batch, *shape) and labels, one-hot or values, in batches, too."""
    work = task.work
    x, y = read_data(task.path)
    x = samples_last(x)
    values = np.eye(work.classes, dtype=work.dtype)[y] if work.classifies else y
    batches = (work.steps_per_epoch, work.batch)
    return jnp.asarray(x.reshape(*batches, *x.shape[1:])), jnp.asarray(values.reshape(*batches, -1))


class JaxTrainer:
    """A trainer by a jitted step."""

    def __init__(self, task: Task) -> None:
        jax.config.update("jax_enable_x64", task.work.dtype == "float64")
        self.work = task.work
        self.initial = weights_last(task.work, read_weights(task.path))
        self.x, self.y = device_data(task)
        self.batches = list(zip(self.x, self.y, strict=True))
        self.step = jax.jit(partial(step, task.work, loss), donate_argnums=0)

    def reset(self) -> None:
        """Put the initial weights on the device, and set the moments to zero."""
        initial = self.initial.items()
        self.state: State = (
            {name: jnp.array(value) for name, value in initial},
            {name: jnp.zeros_like(value) for name, value in initial},
            {name: jnp.zeros_like(value) for name, value in initial},
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
        """Return the weights, copied from the device."""
        weights = {name: np.array(value) for name, value in self.state[0].items()}
        return weights_first(self.work, weights)


def make(task: Task) -> JaxTrainer:
    """Return the trainer."""
    return JaxTrainer(task)
