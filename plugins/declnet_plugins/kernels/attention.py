"""Attention: all that concerns a sample in one go, forward and backward.

The scores of a head have the axes (keys, queries), so that the softmax over the keys is a loop over
contiguous queries. Their products with the values, queries and keys take them as they are, in
either direction; only the queries, and the gradient of the context, are transposed for a product.

Divisible by samples, except the gradients of parameters, by outputs.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from declnet import Array, Dtype, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, Routine, copy_columns, exp, product
from declnet_plugins.kernels import FLOATS, INTEGERS
from declnet_plugins.kernels.rows import (
    PANEL_ROW,
    VECTOR,
    Panels,
    address,
    multiplier,
    multiply,
    multiply_packed,
)
from declnet_plugins.standard.layers.attention import CrossAttention, MultiHeadAttention


@Routine
def project(function, x, i, panels, block, biases, out, scale):  # type: ignore[no-untyped-def]
    """Out = (x @ weights + biases) * scale for a sample i, in the columns of a block."""
    size, rows, features = np.int64(out.itemsize), np.int64(x.shape[1]), np.int64(x.shape[2])
    first, columns, row = block[2], block[3], np.int64(out.shape[2]) * size
    source = address(x) + np.int64(i) * rows * features * size
    target = address(out) + np.int64(i) * rows * row + first * size
    packed = address(panels) + block[4] * size
    begin = np.uint64(first)
    for t in range(np.uint64(rows)):
        for j in range(np.uint64(columns)):
            out[i, t, begin + j] = biases[j]
    multiply_packed(
        function, source, features * size, packed, features, target, row, rows, columns, 1, size
    )
    if scale != type(scale)(1):
        for t in range(np.uint64(rows)):
            for j in range(np.uint64(columns)):
                out[i, t, begin + j] *= scale


@Routine
def project_back(function, dy, i, panels, block, dx, adds):  # type: ignore[no-untyped-def]
    """Dx = dy @ weights.T for a sample i, or added to dx."""
    size, rows, columns = np.int64(dy.itemsize), np.int64(dy.shape[1]), np.int64(dy.shape[2])
    source = address(dy) + np.int64(i) * rows * columns * size
    row = np.int64(dx.shape[2]) * size
    target = address(dx) + np.int64(i) * rows * row
    packed = address(panels) + block[4] * size
    multiply_packed(
        function, source, columns * size, packed, columns, target, row, rows, block[3], adds, size
    )


@Routine
def transpose(x, i, turned, zero):  # type: ignore[no-untyped-def]
    """Turned = x.T for a sample i, in rows of whole vectors."""
    size, time, width = np.int64(x.itemsize), np.int64(x.shape[1]), np.int64(x.shape[2])
    row, lanes = np.int64(turned.shape[2]) * size, VECTOR // size
    source = address(x) + np.int64(i) * time * width * size
    target = address(turned) + np.int64(i) * np.int64(turned.shape[1]) * row
    for t in range(0, time, lanes):
        rows, place = min(lanes, time - t), source + t * width * size
        copy_columns(place, width * size, target + t * size, row, width, rows, zero)


@Routine
def hide_keys(scores, known, causal):  # type: ignore[no-untyped-def]
    """Scores = -inf for keys from `known` on and, with `causal`, those after a query."""
    queries, nothing = np.uint64(scores.shape[1]), scores.dtype.type(-np.inf)
    for k in range(np.uint64(scores.shape[0])):
        hidden = queries if np.int64(k) >= known else (k if causal else np.uint64(0))
        for t in range(hidden):
            scores[k, t] += nothing  # so that NaN stays, as in the layer


@Routine
def softmax_over_keys(scores, known, causal, total):  # type: ignore[no-untyped-def]
    """Scores = softmax over the keys, (keys, queries); those from `known` on get no share.

    With `causal`, nor do keys after a query. If there are none, the shares are 0.
    """
    keys, queries = np.uint64(scores.shape[0]), np.uint64(scores.shape[1])
    zero = scores.dtype.type(0)
    one = scores.dtype.type(1)
    lowest, tiny = LOWEST_AND_TINY[0 if scores.itemsize == SINGLE else 1]
    hide_keys(scores, known, causal)
    for t in range(queries):
        total[t] = scores.dtype.type(lowest)
    for k in range(keys):
        for t in range(queries):
            value, largest = scores[k, t], total[t]
            total[t] = largest if value <= largest else value
    for k in range(keys):
        for t in range(queries):
            scores[k, t] = exp(scores[k, t] - total[t])
    for t in range(queries):
        total[t] = zero
    for k in range(keys):
        for t in range(queries):
            total[t] += scores[k, t]
    for t in range(queries):
        value = total[t]
        total[t] = one / (scores.dtype.type(tiny) if value < scores.dtype.type(tiny) else value)
    for k in range(keys):
        for t in range(queries):
            scores[k, t] *= total[t]


SINGLE = 4
LOWEST_AND_TINY = tuple(
    (float(np.finfo(dtype).min), float(np.finfo(dtype).tiny)) for dtype in ("f4", "f8")
)


@Routine
def attend(  # type: ignore[no-untyped-def]
    part,
    parts,
    function,
    x,
    m,
    x_lengths,
    m_lengths,
    causal,
    panels,
    blocks,
    query_biases,
    key_biases,
    value_biases,
    output_biases,
    scale,
    query,
    pairs,
    turned,
    shares,
    total,
    context,
    saved,
    y,
):
    """Queries of x; keys and values of m; shares; context = shares @ values; y.

    Args:
        function: from `multiplier`.
        x_lengths, m_lengths: (n,), the steps that are not padding.
        blocks: of the weights of queries, keys, values and the output; values are at the right of
            keys.
        query: (n, queries, units), multiplied by scale.
        pairs: (n, keys, 2 * units), keys and values.
        turned: (n, units, queries), both rounded up to whole vectors.
        shares: (n, heads, keys, queries).
        total: (n, queries).
        context: (n, queries, units).
        kept: (n, queries), 0 at padding, else 1.
        y: (n, queries, units), 0 at padding; NaN if a length is impossible, which the layer then
            reports.
    """
    n, keys, heads = np.int64(x.shape[0]), np.int64(pairs.shape[1]), np.int64(shares.shape[1])
    queries, units, size = np.int64(query.shape[1]), np.int64(query.shape[2]), np.int64(y.itemsize)
    d, one, zero = units // heads, y.dtype.type(1), y.dtype.type(0)
    row, pair, line, column = units * size, 2 * units * size, queries * size, turned.shape[2] * size
    for i in range(np.uint64(n * part // parts), np.uint64(n * (part + 1) // parts)):
        project(function, x, i, panels, blocks[0], query_biases, query, scale)
        project(function, m, i, panels, blocks[1], key_biases, pairs, one)
        project(function, m, i, panels, blocks[2], value_biases, pairs, one)
        transpose(query, i, turned, zero)
        for h in range(np.uint64(heads)):
            head = np.int64(h) * d * size
            key, scores = address(pairs[i]) + head, address(shares[i, h])
            value, target = key + row, address(context[i]) + head
            turn = address(turned[i]) + np.int64(h) * d * column
            multiply(
                function, key, pair, size, turn, column, PANEL_ROW, scores, line, keys, d, queries,
                0, size,
            )  # fmt: skip
            softmax_over_keys(shares[i, h], np.int64(m_lengths[i]), causal, total[i])
            multiply(
                function, scores, size, line, value, pair, PANEL_ROW, target, row, queries, keys, d,
                0, size,
            )  # fmt: skip
        length, known = np.int64(x_lengths[i]), np.int64(m_lengths[i])
        wrong = min(length, known) < 0 or length > queries or known > keys
        for t in range(np.uint64(queries)):
            saved[i, t] = one if np.int64(t) < length else zero
            if np.int64(t) >= length:
                for j in range(np.uint64(units)):
                    context[i, t, j] = zero
        project(function, context, i, panels, blocks[3], output_biases, y, one)
        for t in range(np.uint64(queries)):
            if wrong or np.int64(t) >= length:
                for j in range(np.uint64(units)):
                    y[i, t, j] = y.dtype.type(np.nan) if wrong else zero


@Routine
def attend_back(  # type: ignore[no-untyped-def]
    part,
    parts,
    function,
    dy,
    panels,
    blocks,
    scale,
    query,
    pairs,
    turned,
    shares,
    total,
    saved,
    dcontext,
    dshares,
    dquery,
    dpairs,
    dx,
    dm,
    is_self,
):
    """The gradients of queries, keys and values, and of x and m, without samples if not needed.

    dvalue = shares.T @ dcontext; dshares = dcontext @ value.T; dscores as `softmax_back`; dquery =
    dscores @ key * scale; dkey = dscores.T @ query.

    Args:
        function: from `multiplier`.
        blocks: of the transposed weights of the output, of queries, and of keys above values.
        dshares: (n, keys, queries).
    """
    n, keys, heads = np.int64(dy.shape[0]), np.int64(pairs.shape[1]), np.int64(shares.shape[1])
    queries, units, size = np.int64(query.shape[1]), np.int64(query.shape[2]), np.int64(dy.itemsize)
    d, zero = units // heads, dy.dtype.type(0)
    row, pair, line, column = units * size, 2 * units * size, queries * size, turned.shape[2] * size
    for i in range(np.uint64(n * part // parts), np.uint64(n * (part + 1) // parts)):
        project_back(function, dy, i, panels, blocks[0], dcontext, 0)
        for t in range(np.uint64(queries)):
            factor = saved[i, t]
            for j in range(np.uint64(units)):
                dcontext[i, t, j] *= factor
        transpose(dcontext, i, turned, zero)
        slopes = address(dshares[i])
        for h in range(np.uint64(heads)):
            head = np.int64(h) * d * size
            key, dkey, scores = (
                address(pairs[i]) + head,
                address(dpairs[i]) + head,
                address(shares[i, h]),
            )
            across, down = address(query[i]) + head, address(dquery[i]) + head
            above, turn = (
                address(dcontext[i]) + head,
                address(turned[i]) + np.int64(h) * d * column,
            )
            multiply(
                function, scores, line, size, above, row, PANEL_ROW, dkey + row, pair, keys,
                queries, d, 0, size,
            )  # fmt: skip
            multiply(
                function, key + row, pair, size, turn, column, PANEL_ROW, slopes, line, keys,
                d, queries, 0, size,
            )  # fmt: skip
            softmax_back(shares[i, h], dshares[i], total[i])
            multiply(
                function, slopes, size, line, key, pair, PANEL_ROW, down, row, queries, keys, d,
                0, size,
            )  # fmt: skip
            multiply(
                function, slopes, line, size, across, row, PANEL_ROW, dkey, pair, keys, queries, d,
                0, size,
            )  # fmt: skip
        for t in range(np.uint64(queries)):
            for j in range(np.uint64(units)):
                dquery[i, t, j] *= scale
        if dx.shape[0] > 0:
            project_back(function, dquery, i, panels, blocks[1], dx, 0)
        if dm.shape[0] > 0:
            project_back(function, dpairs, i, panels, blocks[2], dm, 1 if is_self else 0)


@Routine
def softmax_back(shares, dshares, total):  # type: ignore[no-untyped-def]
    """Dscores = shares * (dshares - sum over keys of shares * dshares), in place of dshares."""
    keys, queries = np.uint64(shares.shape[0]), np.uint64(shares.shape[1])
    for t in range(queries):
        total[t] = total.dtype.type(0)
    for k in range(keys):
        for t in range(queries):
            total[t] += shares[k, t] * dshares[k, t]
    for k in range(keys):
        for t in range(queries):
            dshares[k, t] = (dshares[k, t] - total[t]) * shares[k, t]


NAMES = ("query", "key", "value", "output")


class _AttentionKernel(CompiledKernel):
    """shares = softmax(Q @ K.T / sqrt(units / heads)), y = (shares @ V) @ W_o + b_o, of each head.

    The shares are multiplied by the inverse of their sum, a relative difference of about 1e-7 in
    float32. Dropout is left to NumPy.
    """

    def suits(
        self,
        components: Sequence[Any],
        shapes: Sequence[Any],
        input_gradient: bool,
    ) -> bool:
        """Return whether there is no dropout."""
        return not components[0].dropout

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, and the gradients of all parameters and of the sequences."""
        (layer,), (state,), y, dy = site.components, site.states, site.y, site.dy
        inputs = tuple(site.x)
        m = inputs[layer.sequences - 1]
        x, lengths = inputs[0], inputs[layer.sequences :]
        n, (queries, units), keys, dtype = len(y), y.shape[1:], m.shape[1], y.dtype
        m_lengths = lengths[0].reshape(-1) if lengths else np.full(n, keys)
        x_lengths = lengths[-1].reshape(-1) if self._has_own(lengths) else np.full(n, queries)
        dx, dm = (None, None) if site.dx is None else (site.dx[0], site.dx[layer.sequences - 1])
        floats = [array for array in (x, m, y, dy, dx, dm) if array is not None]
        if dtype not in FLOATS or any(
            lengths.dtype not in INTEGERS for lengths in (x_lengths, m_lengths)
        ):
            return None
        if any(array.dtype != dtype or not array.flags.c_contiguous for array in floats):
            return None
        function = multiplier(dtype)
        lanes, heads = VECTOR // dtype.itemsize, layer.heads
        scale = dtype.type(1 / sqrt(units // heads))
        weights = [getattr(state, f"{name}_weights") for name in NAMES]
        none = np.zeros(units, dtype)
        biases = [getattr(state, f"{name}_biases") if layer.use_bias else none for name in NAMES]
        of_queries, of_pairs = (n, queries, units), (n, keys, 2 * units)
        query, pairs = _with_slack(of_queries, dtype), _with_slack(of_pairs, dtype)
        turned = np.empty((n, -(-units // lanes) * lanes, -(-queries // lanes) * lanes), dtype)
        shares, total = np.empty((n, heads, keys, queries), dtype), np.empty((n, queries), dtype)
        context, saved = np.empty(of_queries, dtype), np.empty((n, queries), dtype)
        packed = Panels(
            dtype, [(0, units * (i == 2), [matrix]) for i, matrix in enumerate(weights)]
        )
        causal, scratch = (
            bool(getattr(layer, "causal", False)),
            (query, pairs, turned, shares, total),
        )
        forward = attend.bound(
            *(function, x, m, x_lengths, m_lengths, causal, packed.flat, packed.blocks),
            *(*biases, scale, *scratch, context, saved, y),
        )
        if dy is None:
            return KernelCalls((*packed.calls, forward))
        back = Panels(
            dtype,
            [
                (0, 0, [weights[3].T]),
                (0, 0, [weights[0].T]),
                (0, 0, [weights[1].T, weights[2].T]),
            ],
        )
        dcontext, dshares = _with_slack(of_queries, dtype), np.empty((n, keys, queries), dtype)
        dquery, dpairs = np.empty(of_queries, dtype), np.empty(of_pairs, dtype)
        unneeded, is_self = np.empty((0, 1, 1), dtype), layer.sequences == 1
        backward = attend_back.bound(
            *(function, dy, back.flat, back.blocks, scale, *scratch),
            *(saved, dcontext, dshares, dquery, dpairs),
            *(unneeded if gradient is None else gradient for gradient in (dx, dm)),
            is_self,
        )
        calls: list[NativeCall | None] = []
        ones, kept_rows = np.ones((1, n * max(queries, keys)), dtype), saved.reshape(1, -1)
        slopes = dquery, dpairs[..., :units], dpairs[..., units:], dy
        for name, source, slope in zip(NAMES, (x, m, m, context), slopes, strict=True):
            rows, slope_rows = _rows(source), _rows(slope)
            calls.append(product(rows.T, slope_rows, getattr(state.grad, f"{name}_weights")))
            if layer.use_bias:
                of_each = kept_rows if name == "output" else ones[:, : len(rows)]
                biases_of = getattr(state.grad, f"{name}_biases")
                calls.append(product(of_each, slope_rows, biases_of[None]))
        sums = [call for call in calls if call is not None]
        return KernelCalls((*packed.calls, forward), (*back.calls, backward, *sums))

    def _has_own(self, lengths: tuple[Array, ...]) -> bool:
        """Return whether the queries have lengths."""
        raise NotImplementedError


class MultiHeadAttentionKernel(_AttentionKernel):
    """Self-attention, whose keys have the queries' lengths."""

    type = "multi_head_attention_jit"
    replaces = (MultiHeadAttention,)

    def _has_own(self, lengths: tuple[Array, ...]) -> bool:
        return bool(lengths)


class CrossAttentionKernel(_AttentionKernel):
    """Attention to another sequence, whose lengths come first."""

    type = "cross_attention_jit"
    replaces = (CrossAttention,)

    def _has_own(self, lengths: tuple[Array, ...]) -> bool:
        return len(lengths) > 1


def _rows(sequences: Array) -> Array:
    """Return all steps of sequences as the rows of a matrix, whose strides may be longer."""
    n, time, width = sequences.shape
    return as_strided(sequences, (n * time, width), sequences.strides[1:])


def _with_slack(shape: tuple[int, ...], dtype: Dtype) -> Array:
    """Return a new array whose last rows can be read as whole vectors."""
    size = prod(shape)
    return np.empty(size + VECTOR // dtype.itemsize, dtype)[:size].reshape(shape)
