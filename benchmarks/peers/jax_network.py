"""A work's network in JAX, images with channels last, as JAX libraries have them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from works.layers import (
    EPSILON,
    Add,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MeanOverTime,
    MultiHeadAttention,
)
from works.work import Work

Arrays = dict[str, jax.Array]  # named as Weights, laid out by `channels_last`


def scores(work: Work, weights: Arrays, x: jax.Array) -> jax.Array:
    """Return the output of the last layer, before softmax."""
    outputs = [x]
    for name, layer in work.named_layers:
        parameters = [weights[f"{name}.{key}"] for key in layer.parameters]
        if isinstance(layer, Add):
            outputs.append(outputs[-1] + outputs[-1 - layer.skipped])
        else:
            outputs.append(apply(layer, parameters, outputs[-1]))
    return outputs[-1]


def apply(layer: Layer, parameters: list[jax.Array], x: jax.Array) -> jax.Array:
    """Return a layer's output."""
    y: jax.Array
    if isinstance(layer, Dense):
        y = x @ parameters[0] + parameters[1]
    elif isinstance(layer, Conv2d):
        numbers = ("NHWC", "HWIO", "NHWC")
        y = parameters[1] + jax.lax.conv_general_dilated(
            x, parameters[0], (1, 1), "SAME", dimension_numbers=numbers
        )
    elif isinstance(layer, Embedding):
        y = parameters[0][x]
    elif isinstance(layer, MaxPool2d):
        window = (1, 2, 2, 1)
        y = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
    elif isinstance(layer, Flatten):
        y = x.reshape(len(x), -1)
    elif isinstance(layer, Lstm):
        y = lstm(parameters, x)[0]
    elif isinstance(layer, MultiHeadAttention):
        y = attention(layer.heads, parameters, x)
    elif isinstance(layer, LayerNorm):
        centered = x - x.mean(axis=-1, keepdims=True)
        variance = jnp.square(centered).mean(axis=-1, keepdims=True)
        y = parameters[0] * centered * jax.lax.rsqrt(variance + EPSILON) + parameters[1]
    elif isinstance(layer, MeanOverTime):
        y = x.mean(axis=1)
    else:
        y = ACTIVATIONS[layer.kind](x)
    return y


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "tanh": jax.nn.tanh,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "softsign": jax.nn.soft_sign,
}
"""The functions of the activations, by their kind."""


def lstm(parameters: list[jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the last state (n, units) and all states (time, n, units).

    The inputs of all steps are one product, and a scan over time follows.
    """
    weights, recurrent, biases = parameters
    inputs = jnp.swapaxes(x @ weights + biases, 0, 1)
    zeros = jnp.zeros((len(x), len(recurrent)), x.dtype)

    def step(state: tuple[jax.Array, jax.Array], projected: jax.Array) -> tuple[Any, jax.Array]:
        h, c = state
        i, f, g, o = jnp.split(projected + h @ recurrent, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    (last, _), states = jax.lax.scan(step, (zeros, zeros), inputs)
    return last, states


def attention(heads: int, parameters: list[jax.Array], x: jax.Array) -> jax.Array:
    """Return self-attention by JAX's own function, between four products."""
    q, k, v = (
        (x @ w + b).reshape(*x.shape[:2], heads, -1)
        for w, b in zip(parameters[:6:2], parameters[1:6:2], strict=True)
    )
    y: jax.Array = jax.nn.dot_product_attention(q, k, v).reshape(x.shape)
    return y @ parameters[6] + parameters[7]


def penalty(work: Work, weights: Arrays) -> jax.Array:
    """Return the L2 penalties of all layers that have one."""
    total: jax.Array = jnp.zeros((), work.dtype)
    for name, strength in work.penalties.items():
        w, b = weights[f"{name}.weights"], weights[f"{name}.biases"]
        total = total + strength * (jnp.sum(w * w) + jnp.sum(b * b))
    return total


def loss(work: Work, weights: Arrays, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the mean loss of a batch, plus the L2 penalties; labels are one-hot."""
    output = scores(work, weights, x)
    if work.classifies:
        mean = -jnp.sum(y * jax.nn.log_softmax(output)) / len(x)
    else:
        mean = jnp.mean(jnp.square(output - y))
    total: jax.Array = penalty(work, weights) + mean
    return total
