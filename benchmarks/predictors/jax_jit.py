"""JAX, jit."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from measuring.task import Task
from peers.jax_network import Arrays, scores
from predictors.timing import Predict
from works.channels_last import samples_last, weights_last
from works.data import Floats, Samples, read_weights
from works.work import Work


def probabilities(work: Work, weights: Arrays, x: jax.Array) -> jax.Array:
    """Return the softmax of the scores."""
    result: jax.Array = jax.nn.softmax(scores(work, weights, x))
    return result


def make(task: Task) -> Predict:
    """Return the compiled function, with the weights on the device."""
    initial = weights_last(task.work, read_weights(task.path))
    weights = {name: jnp.array(value) for name, value in initial.items()}
    compiled = jax.jit(partial(probabilities, task.work))

    def predict(x: Samples) -> Floats:
        return np.asarray(compiled(weights, samples_last(x)))

    return predict
