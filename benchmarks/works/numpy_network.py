"""The reference: a network's output and loss for all peers, in float64 and plain NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from works.data import Labels, Samples, Weights
from works.layers import (
    EPSILON,
    Activation,
    Add,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Lstm,
    MeanOverTime,
    MultiHeadAttention,
)
from works.work import Work

Array = NDArray[Any]
SEQUENCE_AXES = 3
CHUNK = 256  # samples per part, since patches of images take memory


def apply(layer: Layer, parameters: list[Array], x: Array) -> Array:
    """Return the layer's output, samples first."""
    if isinstance(layer, Dense):
        sums: Array = x @ parameters[0] + parameters[1]
        return sums
    if isinstance(layer, Activation):
        return ACTIVATIONS[layer.kind](x)
    if isinstance(layer, LayerNorm):
        centered = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + EPSILON)
        normalized: Array = parameters[0] * centered / deviation + parameters[1]
        return normalized
    if isinstance(layer, Flatten):
        return x.reshape(len(x), -1)
    if isinstance(layer, Embedding):
        rows: Array = parameters[0][x]
        return rows
    return (sequences if x.ndim == SEQUENCE_AXES else images)(layer, parameters, x)


def images(layer: Layer, parameters: list[Array], x: Array) -> Array:
    """Return the output of a convolution or of a pooling."""
    n, channels, height, width = x.shape
    if isinstance(layer, Conv2d):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        patches = sliding_window_view(padded, (3, 3), axis=(2, 3))
        y = np.tensordot(patches, parameters[0], axes=([1, 4, 5], [1, 2, 3])) + parameters[1]
        return np.moveaxis(y, 3, 1)
    largest: Array = x.reshape(n, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5))
    return largest


def sequences(layer: Layer, parameters: list[Array], x: Array) -> Array:
    """Return the output of a layer of sequences (n, time, features)."""
    if isinstance(layer, Lstm):
        return lstm(parameters, x)
    if isinstance(layer, MultiHeadAttention):
        return attention(layer.heads, parameters, x)
    assert isinstance(layer, MeanOverTime)
    mean: Array = x.mean(axis=1)
    return mean


def lstm(parameters: list[Array], x: Array) -> Array:
    """Return the last state of each sequence."""
    weights, recurrent, biases = parameters
    h = c = np.zeros((len(x), len(recurrent)))
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ weights + h @ recurrent + biases, 4, axis=1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
    return h


def logistic(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    result: Array = 1 / (1 + np.exp(-x))
    return result


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "sigmoid": logistic,
    "silu": lambda x: x * logistic(x),
    "softsign": lambda x: x / (1 + np.abs(x)),
}
"""The functions of the activations, by their kind."""


def attention(heads: int, parameters: list[Array], x: Array) -> Array:
    """Return what each step gathers of all, softmax(Q @ K.T / sqrt(size)) @ V for each head."""
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    q, k, v = ((x @ w + b).reshape(*x.shape[:2], heads, -1).swapaxes(1, 2) for w, b in pairs[:3])
    shares = np.exp(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1]))
    shares /= shares.sum(axis=-1, keepdims=True)
    gathered: Array = (shares @ v).swapaxes(1, 2).reshape(x.shape) @ pairs[3][0] + pairs[3][1]
    return gathered


def scores(work: Work, weights: Weights, x: Samples) -> Array:
    """Return the output of the last layer, (n, units), before softmax."""
    outputs = [x if x.dtype.kind == "i" else x.astype(np.float64)]
    for name, layer in work.named_layers:
        arrays = [weights[f"{name}.{key}"].astype(np.float64) for key in layer.parameters]
        if isinstance(layer, Add):
            outputs.append(outputs[-1] + outputs[-1 - layer.skipped])
        else:
            outputs.append(apply(layer, arrays, outputs[-1]))
    return outputs[-1]


def probabilities(work: Work, weights: Weights, x: Samples) -> Array:
    """Return the network's prediction, (n, classes)."""
    output = scores(work, weights, x)
    exponentials = np.exp(output - output.max(axis=1, keepdims=True))
    probability: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probability


def training_loss(work: Work, weights: Weights, x: Samples, y: Labels) -> float:
    """Return the mean loss over all samples plus the L2 penalties."""
    total = 0.0
    for start in range(0, len(x), CHUNK):
        part, labels = x[start : start + CHUNK], y[start : start + CHUNK]
        output = scores(work, weights, part)
        total += float(np.sum(losses(work, output, labels)))
    return total / len(x) + penalty(work, weights)


def losses(work: Work, output: Array, y: Labels) -> Array:
    """Return each sample's cross-entropy or squared error, (n,)."""
    if not work.classifies:
        errors: Array = np.square(output - y).mean(axis=1)
        return errors
    shifted = output - output.max(axis=1, keepdims=True)
    entropies: Array = np.log(np.sum(np.exp(shifted), axis=1)) - shifted[np.arange(len(y)), y]
    return entropies


def penalty(work: Work, weights: Weights) -> float:
    """Return the sum of the L2 penalties."""
    total = 0.0
    for name, strength in work.penalties.items():
        for key in ("weights", "biases"):
            total += strength * float(np.sum(np.square(weights[f"{name}.{key}"], dtype=np.float64)))
    return total
