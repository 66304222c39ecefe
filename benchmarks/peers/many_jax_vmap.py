"""JAX: one compiled program, jax.vmap over networks of whole trainings by lax.scan."""

from functools import partial
from math import sqrt
from pathlib import Path

import jax
import jax.numpy as jnp

from works.many import ManyWork
from works.work import BETA_1, BETA_2, EPSILON

Parameters = list[jax.Array]
State = tuple[Parameters, Parameters, Parameters, jax.Array]  # with moments, and the step


def train(work: ManyWork, folder: Path, count: int) -> list[float]:
    """Train all networks in one process; return the loss of each."""
    x, y = (jnp.asarray(array) for array in work.read(folder))
    one_hot = jnp.eye(work.classes, dtype=jnp.float32)[y]
    keys = jax.random.split(jax.random.key(0), count)
    compiled = jax.jit(jax.vmap(partial(_trained, work), in_axes=(0, None, None)))
    return [float(loss) for loss in compiled(keys, x, one_hot)]


def _trained(work: ManyWork, key: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the loss of a network after its training."""

    def step(state: State, rows: jax.Array) -> tuple[State, None]:
        batch = (x, y) if work.full_batch else (x[rows], y[rows])
        parameters, m, v, t = state
        gradients = jax.grad(_loss)(parameters, *batch)
        m = [BETA_1 * a + (1 - BETA_1) * g for a, g in zip(m, gradients, strict=True)]
        v = [BETA_2 * a + (1 - BETA_2) * g * g for a, g in zip(v, gradients, strict=True)]
        first, second = 1 - BETA_1 ** (t + 1), 1 - BETA_2 ** (t + 1)
        parameters = [
            p - work.learning_rate * (a / first) / (jnp.sqrt(b / second) + EPSILON)
            for p, a, b in zip(parameters, m, v, strict=True)
        ]
        return (parameters, m, v, t + 1), None

    def epoch(state: State, shuffle_key: jax.Array) -> tuple[State, None]:
        order = jnp.arange(work.samples)
        if not work.full_batch:
            order = jax.random.permutation(shuffle_key, order)
        state, _ = jax.lax.scan(step, state, order.reshape(-1, work.batch))
        return state, None

    *layers, shuffles = jax.random.split(key, 3)
    parameters = _initial(work, layers)
    zeros = [jnp.zeros_like(parameter) for parameter in parameters]
    state = parameters, zeros, zeros, jnp.zeros(())
    state, _ = jax.lax.scan(epoch, state, jax.random.split(shuffles, work.epochs))
    return _loss(state[0], x, y)


def _initial(work: ManyWork, keys: list[jax.Array]) -> Parameters:
    """Return Glorot-uniform weights and zero biases."""
    sizes = (work.features, work.units), (work.units, work.classes)
    parameters = []
    for key, (inputs, units) in zip(keys, sizes, strict=True):
        bound = sqrt(6 / (inputs + units))
        parameters.append(jax.random.uniform(key, (inputs, units), jnp.float32, -bound, bound))
        parameters.append(jnp.zeros(units))
    return parameters


def _loss(parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    w1, b1, w2, b2 = parameters
    scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
    return -jnp.sum(y * jax.nn.log_softmax(scores)) / len(x)
