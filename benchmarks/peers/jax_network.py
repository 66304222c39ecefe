"""A work's network in JAX, images with channels last, as JAX libraries have them."""

import jax
import jax.numpy as jnp

from works.layers import Conv2d, Dense, Embedding, Flatten, MaxPool2d
from works.work import Work

Arrays = dict[str, jax.Array]  # named as Weights, laid out by `channels_last`


def scores(work: Work, weights: Arrays, x: jax.Array) -> jax.Array:
    """Return the output of the last layer, before softmax."""
    output = x
    for name, layer in work.named_layers:
        own = [weights[f"{name}.{key}"] for key in layer.parameters]
        if isinstance(layer, Dense):
            output = output @ own[0] + own[1]
        elif isinstance(layer, Conv2d):
            numbers = ("NHWC", "HWIO", "NHWC")
            output = own[1] + jax.lax.conv_general_dilated(
                output, own[0], (1, 1), "SAME", dimension_numbers=numbers
            )
        elif isinstance(layer, Embedding):
            output = own[0][output]
        elif isinstance(layer, MaxPool2d):
            window = (1, 2, 2, 1)
            output = jax.lax.reduce_window(output, -jnp.inf, jax.lax.max, window, window, "VALID")
        elif isinstance(layer, Flatten):
            output = output.reshape(len(output), -1)
        else:
            output = jax.nn.relu(output)
    return output


def penalty(work: Work, weights: Arrays) -> jax.Array:
    """Return the L2 penalties of all layers that have one."""
    total: jax.Array = jnp.zeros(())
    for name, strength in work.penalties.items():
        w, b = weights[f"{name}.weights"], weights[f"{name}.biases"]
        total = total + strength * (jnp.sum(w * w) + jnp.sum(b * b))
    return total


def loss(work: Work, weights: Arrays, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the mean cross-entropy of a batch with one-hot labels, plus the L2 penalties."""
    logarithms: jax.Array = jax.nn.log_softmax(scores(work, weights, x))
    total: jax.Array = penalty(work, weights) - jnp.sum(y * logarithms) / len(x)
    return total
