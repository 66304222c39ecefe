"""Layers of sequences in NumPy; each function is a layer's equation."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

import numpy as np

from declnet import Array
from declnet_plugins.export.numpy_file.writer import NumpyTranslation
from declnet_plugins.standard.layers.attention import CrossAttention, MultiHeadAttention
from declnet_plugins.standard.layers.conv1d import Conv1d
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.layers.simple_rnn import SimpleRNN


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, e) / (1 + e))


def is_padding(lengths: Array | None, time: int) -> Array:
    """Return which steps follow the end of each sequence, (n, time) or (1, time)."""
    ends = np.array([[time]]) if lengths is None else lengths.reshape(-1, 1)
    return np.asarray(np.arange(time) >= ends)


def conv1d(
    x: Array,
    lengths: Array | None = None,
    *,
    weights: Array,
    biases: Array | None = None,
    stride: int,
    dilation: int,
    padding: str,
    groups: int,
) -> Array:
    n, time, features = x.shape
    kernel, _, filters = weights.shape
    outside = is_padding(lengths, time)[:, :, None]
    x = np.where(outside, 0, x).astype(x.dtype)
    extent = (kernel - 1) * dilation + 1
    before = after = 0
    if padding != "valid":
        total = max((-(-time // stride) - 1) * stride + extent - time, 0)
        before = total // 2 if padding == "same" else extent - 1
        after = total - total // 2 if padding == "same" else 0
    x = np.pad(x, ((0, 0), (before, after), (0, 0)))
    places = (x.shape[1] - extent) // stride + 1
    y = np.zeros((n, places, groups, filters // groups), x.dtype)
    by_group = weights.reshape(kernel, features // groups, groups, filters // groups)
    for k in range(kernel):
        first = k * dilation
        seen = x[:, first : first + (places - 1) * stride + 1 : stride]
        seen = seen.reshape(n, places, groups, features // groups)
        y += np.einsum("ntgc,cgf->ntgf", seen, by_group[k])
    result = y.reshape(n, places, filters)
    result = result if biases is None else result + biases
    return result if lengths is None else np.where(outside, 0, result).astype(x.dtype)


def run(
    x: Array,
    lengths: Array | None,
    from_end: bool,
    return_sequences: bool,
    first: tuple[Array, ...],
    step: Any,
) -> Array:
    """Run through the steps; the states are 0 at padding, the first of them is the output."""
    padding = is_padding(lengths, x.shape[1])
    states, by_step = first, {}
    order = range(x.shape[1] - 1, -1, -1) if from_end else range(x.shape[1])
    for t in order:
        states = step(x[:, t], *states)
        states = tuple(np.where(padding[:, t, None], 0, state) for state in states)
        by_step[t] = states[0]
    h = np.stack([by_step[t] for t in range(x.shape[1])], axis=1)
    if return_sequences:
        return h
    if lengths is None or from_end:
        return np.asarray(h[:, 0 if from_end else -1])
    return np.asarray(h[np.arange(len(h)), lengths.reshape(-1) - 1])


def both_ways(
    x: Array,
    lengths: Array | None,
    layer: Any,
    return_sequences: bool,
    bidirectional: bool,
    parameters: dict[str, Array],
) -> Array:
    """Run a recurrent layer in its directions, the features of which follow each other."""
    directions = []
    for prefix in ("", "backward_") if bidirectional else ("",):
        arrays = {
            name.removeprefix("backward_"): array
            for name, array in parameters.items()
            if name.startswith("backward_") == bool(prefix)
        }
        first, step = layer(x, **arrays)
        directions.append(run(x, lengths, bool(prefix), return_sequences, first, step))
    return np.concatenate(directions, axis=-1)


def simple_rnn(
    x: Array,
    lengths: Array | None = None,
    *,
    activation: str,
    return_sequences: bool,
    bidirectional: bool,
    **parameters: Array,
) -> Array:
    def layer(x: Array, weights: Array, recurrent_weights: Array, biases: Any = 0) -> Any:
        def step(x: Array, h: Array) -> tuple[Array, ...]:
            a = x @ weights + biases + h @ recurrent_weights
            return (np.tanh(a) if activation == "tanh" else np.maximum(a, 0),)

        return (np.zeros((len(x), len(recurrent_weights)), x.dtype),), step

    return both_ways(x, lengths, layer, return_sequences, bidirectional, parameters)


def lstm(
    x: Array,
    lengths: Array | None = None,
    *,
    return_sequences: bool,
    bidirectional: bool,
    **parameters: Array,
) -> Array:
    def layer(x: Array, weights: Array, recurrent_weights: Array, biases: Any = 0) -> Any:
        def step(x: Array, h: Array, c: Array) -> tuple[Array, ...]:
            i, f, o, g = np.split(x @ weights + biases + h @ recurrent_weights, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            return sigmoid(o) * np.tanh(c), c

        zeros = np.zeros((len(x), len(recurrent_weights)), x.dtype)
        return (zeros, zeros), step

    return both_ways(x, lengths, layer, return_sequences, bidirectional, parameters)


def gru(
    x: Array,
    lengths: Array | None = None,
    *,
    return_sequences: bool,
    bidirectional: bool,
    **parameters: Array,
) -> Array:
    def layer(
        x: Array,
        weights: Array,
        recurrent_weights: Array,
        biases: Any = 0,
        candidate_biases: Any = 0,
    ) -> Any:
        def step(x: Array, h: Array) -> tuple[Array, ...]:
            r, z, c = np.split(x @ weights + biases, 3, axis=1)
            of_r, of_z, q = np.split(h @ recurrent_weights, 3, axis=1)
            z = sigmoid(z + of_z)
            c = np.tanh(c + sigmoid(r + of_r) * (q + candidate_biases))
            return ((1 - z) * c + z * h,)

        return (np.zeros((len(x), len(recurrent_weights)), x.dtype),), step

    return both_ways(x, lengths, layer, return_sequences, bidirectional, parameters)


def attention(
    x: Array,
    memory: Array,
    lengths: Array | None,
    memory_lengths: Array | None,
    heads: int,
    causal: bool,
    parameters: dict[str, Array],
) -> Array:
    """Return what each step of x gathers of memory: softmax(Q @ K.T / sqrt(d)) @ V, by head."""

    def project(name: str, x: Array) -> Array:
        y = x @ parameters[f"{name}_weights"]
        return y + parameters[f"{name}_biases"] if f"{name}_biases" in parameters else y

    def by_head(x: Array) -> Array:
        return np.asarray(x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2))

    q, k, v = (
        by_head(project("query", x)),
        by_head(project("key", memory)),
        by_head(project("value", memory)),
    )
    scores = (q / sqrt(q.shape[3])) @ k.swapaxes(2, 3)
    hidden = np.broadcast_to(
        is_padding(memory_lengths, memory.shape[1])[:, None, None], scores.shape
    )
    if causal:
        later = np.triu(np.ones(scores.shape[2:], bool), 1)
        hidden = hidden | later
    scores = np.where(hidden, -np.inf, scores)
    largest = np.maximum(scores.max(axis=3, keepdims=True), np.finfo(x.dtype).min)
    shares = np.exp(scores - largest)
    shares = shares / np.maximum(shares.sum(axis=3, keepdims=True), np.finfo(x.dtype).tiny)
    context = (shares.astype(x.dtype) @ v).swapaxes(1, 2).reshape(*x.shape[:2], -1)
    y = project("output", context)
    return np.where(is_padding(lengths, x.shape[1])[:, :, None], 0, y).astype(x.dtype)


def multi_head_attention(
    x: Array, lengths: Array | None = None, *, heads: int, causal: bool, **parameters: Array
) -> Array:
    return attention(x, x, lengths, lengths, heads, causal, parameters)


def cross_attention(
    x: Array,
    memory: Array,
    memory_lengths: Array | None = None,
    lengths: Array | None = None,
    *,
    heads: int,
    **parameters: Array,
) -> Array:
    return attention(x, memory, lengths, memory_lengths, heads, False, parameters)


class NumpySequences(NumpyTranslation):
    """Layers of sequences."""

    functions: ClassVar[Any] = {
        Conv1d: conv1d,
        SimpleRNN: simple_rnn,
        LSTM: lstm,
        GRU: gru,
        MultiHeadAttention: multi_head_attention,
        CrossAttention: cross_attention,
    }
    replaces = tuple(functions)
