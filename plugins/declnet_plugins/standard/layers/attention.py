"""Attention: each step of a sequence gathers what it needs of all steps, or of another sequence."""

from functools import lru_cache
from math import sqrt
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Arrays,
    Gradients,
    LayerState,
    Parameter,
    Schedule,
    Scheduled,
    Shape,
    Workspace,
)
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.standard.layers.dropout import fill_mask
from declnet_plugins.standard.layers.sequences import (
    SequenceLayer,
    fill_padding,
    multiply_rows,
    multiply_transposed,
    require_lengths,
    require_sequence,
    rows_of,
)

PROJECTIONS = ("query", "key", "value", "output")
"""The projections: the first of x, the next two of the other sequence, or of x."""


class _Attention(SequenceLayer, AffineLayer):
    """Queries from one sequence, keys and values from another, which may be the same."""

    other_keys = {"num_heads": "heads", "embed_dim": "units", **other_keys.AFFINE}
    backward_needs = frozenset({"x"})

    heads: int = Field(ge=1, description="number of heads, each with units / heads features")
    units: int | None = Field(
        default=None,
        ge=1,
        description="number of features of the output and of all heads together; default: as many "
        "as the input has",
    )
    dropout: Annotated[float | Schedule, Scheduled(ge=0, lt=1)] = Field(
        default=0.0,
        description="fraction of attention weights to set to zero in training, or a schedule of it",
    )

    def _width(self, input_shape: tuple[Shape, ...]) -> int:
        return self.units or input_shape[0][1]

    def _steps(self, input_shape: tuple[Shape, ...]) -> tuple[int, int]:
        """Return the number of queries and of keys."""
        raise NotImplementedError

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (time, units); raise ValueError if the heads do not divide the units."""
        time, _ = self._steps(input_shape)
        width = self._width(input_shape)
        if width % self.heads:
            what = "units" if self.units else "the features of its input"
            raise ValueError(
                f"{self.type} splits {what}, {width}, into {self.heads} heads, which do not "
                f"divide them; choose a number of heads that does, or set units to a multiple of "
                f"{self.heads}"
            )
        return time, width

    def parameters(self, input_shape: tuple[Shape, ...]) -> dict[str, Parameter]:
        """Return weights (features, units) and biases (units,) of queries, keys, values, output."""
        width, projections = self._width(input_shape), {}
        asking, answering = input_shape[0][1], input_shape[self.sequences - 1][1]
        sizes = (asking, answering, answering, width)
        for name, features in zip(PROJECTIONS, sizes, strict=True):
            projections[f"{name}_weights"] = self.weights((features, width))
            projections |= self.biases((width,), f"{name}_biases")
        return projections

    def numpy_calls(self, input_shape: tuple[Shape, ...]) -> int:
        """Return the calls of the projections and the attention."""
        return 45

    def multiplications(self, input_shape: tuple[Shape, ...]) -> int:
        """Return the multiplications of queries by keys, and of attention weights by values."""
        queries, keys = self._steps(input_shape)
        return 2 * queries * keys * self._width(input_shape)

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for queries, keys, values, attention and their gradients."""
        (queries, keys), width = self._steps(input_shape), self._width(input_shape)
        of_queries, of_keys = Workspace((queries, width)), Workspace((keys, width))
        shares = Workspace((self.heads, queries, keys))
        mask = {"mask": shares} if self.dropout else {}
        return {
            **mask,
            "query": of_queries,
            "key": of_keys,
            "value": of_keys,
            "context": of_queries,
            "dquery": of_queries,
            "dkey": of_keys,
            "dvalue": of_keys,
            "dcontext": of_queries,
            "shares": shares,
            "dshares": shares,
            "of_query": Workspace((self.heads, queries, 1)),
            "is_padding": Workspace((queries,), dtype=bool),
            "is_key_padding": Workspace((keys,), dtype=bool),
            "inside": Workspace((queries,)),
            "masked": Workspace((keys,)),
            "ones": Workspace((max(queries, keys),), fill=1.0, constant=True),
            "dx": Workspace(input_shape[self.sequences - 1]),
        }

    def _attend(
        self,
        x: Array,
        memory: Array,
        lengths: tuple[Array | None, Array | None],
        causal: bool,
        y: Array,
        state: LayerState,
    ) -> None:
        """Fill y, given the sequence that asks, the one that answers, and the lengths of both."""
        for name, source in (("query", x), ("key", memory), ("value", memory)):
            self._project(name, source, getattr(state, name), state)
        np.multiply(state.query, 1 / sqrt(y.shape[2] // self.heads), out=state.query)
        queries, keys, values = map(self._by_head, (state.query, state.key, state.value))
        shares, of_query = state.shares, state.of_query
        np.matmul(queries, keys.swapaxes(2, 3), out=shares)
        if lengths[1] is not None:
            fill_padding(lengths[1], state.is_key_padding)
            state.masked.fill(0)
            np.copyto(state.masked, -np.inf, where=state.is_key_padding)
            np.add(shares, state.masked[:, None, None], out=shares)
        if causal:
            np.add(shares, _later(x.shape[1], shares.dtype), out=shares)
        np.maximum.reduce(shares, axis=3, keepdims=True, out=of_query)
        np.maximum(of_query, np.finfo(of_query.dtype).min, out=of_query)  # all keys are padding
        np.subtract(shares, of_query, out=shares)
        np.exp(shares, out=shares)
        np.add.reduce(shares, axis=3, keepdims=True, out=of_query)
        np.maximum(of_query, np.finfo(of_query.dtype).tiny, out=of_query)
        np.divide(shares, of_query, out=shares)
        if self._drops(state):
            fill_mask(state.mask, state.now.dropout, state.rng)
            shares = np.multiply(shares, state.mask, out=state.dshares)
        np.matmul(shares, values, out=self._by_head(state.context))
        state.inside.fill(1)
        if lengths[0] is not None:
            padding = fill_padding(lengths[0], state.is_padding)
            np.copyto(state.inside, 0, where=padding)
            np.copyto(state.context, 0, where=padding[:, :, None])
        self._project("output", state.context, y, state)
        if lengths[0] is not None:
            np.copyto(y, 0, where=state.is_padding[:, :, None])

    def _attend_back(
        self, x: Array, memory: Array, dy: Array, dx: Gradients, state: LayerState
    ) -> None:
        """Fill the gradients; dx has one array or two, as there are sequences."""
        multiply_transposed(state.context, rows_of(dy), state.grad.output_weights)
        if self.use_bias:
            np.matmul(state.inside.reshape(-1), rows_of(dy), out=state.grad.output_biases)
        multiply_rows(dy, state.output_weights.T, state.dcontext)
        np.multiply(state.dcontext, state.inside[:, :, None], out=state.dcontext)
        queries, keys, values = map(self._by_head, (state.query, state.key, state.value))
        dqueries, dkeys, dvalues = map(self._by_head, (state.dquery, state.dkey, state.dvalue))
        dcontext, shares, dshares = self._by_head(state.dcontext), state.shares, state.dshares
        drops, masked = self._drops(state), shares
        if drops:
            masked = np.multiply(shares, state.mask, out=dshares)
        np.matmul(masked.swapaxes(2, 3), dcontext, out=dvalues)
        np.matmul(dcontext, values.swapaxes(2, 3), out=dshares)
        if drops:
            np.multiply(dshares, state.mask, out=dshares)
        # sum over keys of shares * dshares, by way of the context, which is smaller
        np.multiply(state.context, state.dcontext, out=state.dquery)
        np.add.reduce(dqueries, axis=3, keepdims=True, out=state.of_query)
        np.subtract(dshares, state.of_query, out=dshares)
        np.multiply(dshares, shares, out=dshares)
        np.matmul(dshares, keys, out=dqueries)
        np.multiply(state.dquery, 1 / sqrt(queries.shape[3]), out=state.dquery)
        np.matmul(dshares.swapaxes(2, 3), queries, out=dkeys)
        is_self = self.sequences == 1
        for name, source, target, adds in (
            ("query", x, dx[0], False),
            ("key", memory, dx[-1], is_self),
            ("value", memory, dx[-1], True),
        ):
            gradient = getattr(state, f"d{name}")
            rows = rows_of(gradient)
            multiply_transposed(source, rows, getattr(state.grad, f"{name}_weights"))
            if self.use_bias:
                ones = state.ones.reshape(-1)[: len(rows)]
                np.matmul(ones, rows, out=getattr(state.grad, f"{name}_biases"))
            if target is not None:
                weights = getattr(state, f"{name}_weights")
                multiply_rows(gradient, weights.T, state.dx if adds else target)
                if adds:
                    np.add(target, state.dx, out=target)

    def _drops(self, state: LayerState) -> bool:
        return state.training and bool(self.dropout)

    def _project(self, name: str, x: Array, out: Array, state: LayerState) -> None:
        multiply_rows(x, getattr(state, f"{name}_weights"), out)
        if self.use_bias:
            np.add(out, getattr(state, f"{name}_biases"), out=out)

    def _by_head(self, sequences: Array) -> Array:
        """Return (n, time, units) viewed as (n, heads, time, units / heads)."""
        n, time, units = sequences.shape
        return sequences.reshape(n, time, self.heads, units // self.heads).swapaxes(1, 2)


@lru_cache(maxsize=64)
def _later(time: int, dtype: Any) -> Any:
    """Return -inf where a key comes after a query, else 0: (queries, keys), to read only."""
    mask = np.triu(np.full((time, time), -np.inf, dtype), 1)
    mask.flags.writeable = False
    return mask


class MultiHeadAttention(_Attention):
    """Self-attention: each step of x gathers values of all steps, in shares by queries and keys.

    For each head, with Q = x @ W_q + b_q, K = x @ W_k + b_k, V = x @ W_v + b_v of units / heads
    features: shares = softmax(Q @ K.T / sqrt(units / heads)) over the keys; y = (the heads' shares
    @ V side by side) @ W_o + b_o.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,): padding
    gets no share, and its own y is 0. With `causal`, nor do later steps. With `dropout`, the shares
    @ V are (shares * mask) @ V in training, with a mask as in `dropout`. query_weights,
    key_weights, value_weights: (features, units); output_weights: (units, units); each with biases
    (units,); a head has consecutive columns. y: (n, time, units).

    Backward: with dC = dy @ W_o.T, dV = shares.T @ dC, dS = shares * (dC @ V.T - the sum over keys
    of shares * (dC @ V.T)), dQ = dS @ K / sqrt(units / heads), dK = dS.T @ Q / sqrt(units / heads).
    With a mask, dV = (shares * mask).T @ dC, and mask * (dC @ V.T) replaces dC @ V.T.

    PyTorch's `MultiheadAttention`, which has the weights of queries, keys and values below each
    other in `in_proj_weight`, and Keras's `MultiHeadAttention`. Source: Vaswani et al., "Attention
    Is All You Need", NeurIPS 2017.
    """

    type = "multi_head_attention"
    examples = (
        {"heads": 1},
        {"heads": 2, "units": 6, "causal": True},
        {"heads": 2, "units": 4, "dropout": 0.1},
        {"heads": 4, "units": 64, "inputs": ["layer_norm_1", "input.lengths"]},
    )
    other_types = ("attention", "self_attention")

    causal: bool = Field(
        default=False, description="whether each step sees only itself and earlier steps"
    )

    def _steps(self, input_shape: tuple[Shape, ...]) -> tuple[int, int]:
        time, _ = self.sequence_shape(input_shape)
        return time, time

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = attention of x to x."""
        lengths = x[1] if len(x) > 1 else None
        self._attend(x[0], x[0], (lengths, lengths), self.causal, y, state)

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """The gradients by way of queries, keys and values, added up."""
        self._attend_back(x[0], x[0], dy, dx[:1], state)


class CrossAttention(_Attention):
    """Attention of one sequence to another, m, which has the keys and values.

    As `multi_head_attention`, but with K = m @ W_k + b_k and V = m @ W_v + b_v.

    x: sequences (n, time, features), and m, (n, other time, other features); optionally the lengths
    (n,) of m, whose padding gets no share, and then those of x, whose padding has y = 0.
    query_weights: (features, units); key_weights, value_weights: (other features, units);
    output_weights: (units, units); each with biases (units,). y: (n, time, units).

    Backward: as in `multi_head_attention`, with dx = dQ @ W_q.T and dm = dK @ W_k.T + dV @ W_v.T.

    PyTorch's `MultiheadAttention` with `kdim` and `vdim`; Keras's `MultiHeadAttention`. Source:
    Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
    """

    type = "cross_attention"
    sequences = 2
    examples = (
        {"heads": 2, "units": 4},
        {"heads": 4, "units": 64, "inputs": ["layer_norm_1", "lstm_1", "input.lengths"]},
    )
    input_dtype: ClassVar[tuple[Literal["float", "integer"], ...]] = ("float", "float", "integer")
    example_shapes: ClassVar[tuple[Any, ...]] = (
        ((3, 2), (5, 3)),
        ((3, 4), (4, 2), ()),
        ((4, 4), (4, 2), (), (1,)),
    )

    def _steps(self, input_shape: tuple[Shape, ...]) -> tuple[int, int]:
        if len(input_shape) < 2:
            raise ValueError(f"{self.type} takes two sequences; name the other one second")
        if len(input_shape) > 4:
            raise ValueError(
                f"{self.type} takes two sequences and the lengths of the second and of the first, "
                f"not {len(input_shape)} inputs"
            )
        for shape in input_shape[:2]:
            require_sequence(self.type, shape)
        for shape in input_shape[2:]:
            require_lengths(self.type, shape)
        return input_shape[0][0], input_shape[1][0]

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """y = attention of x to the other sequence."""
        lengths = x[3] if len(x) > 3 else None, x[2] if len(x) > 2 else None
        self._attend(x[0], x[1], lengths, False, y, state)

    def backward(self, x: Arrays, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """The gradients by way of queries for the first, of keys and values for the second."""
        self._attend_back(x[0], x[1], dy, dx[:2], state)
