"""Recurrent layers: the simple one and the GRU, and what all of them, with the LSTM, share.

For all steps, one matrix product gives what the inputs add to the gates; then each step has one
product of the state before with the recurrent weights. The states of padding are 0, so a sequence
that is read from its end starts there with the state 0, too. Backward goes through
the steps in the opposite order; products over all steps then give the gradients of the weights.

What a layer keeps has the axes (time, n, …), in C order: a step is contiguous, and all steps of all
sequences are the rows of one matrix. The workspace, declared as (n, time, …), is viewed like that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Initializer,
    LayerState,
    OutputRange,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_standard.initializers import GlorotUniform, Orthogonal, Zeros
from declnet_standard.layers.sequences import SequenceLayer, fill_padding, steps


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction in which sequences are read; its arrays are named with a prefix.

    Attributes:
        prefix: of the names of its parameters and workspace.
        columns: its part of the output's features.
        from_end: whether the last step comes first.
    """

    prefix: str
    columns: slice
    from_end: bool

    def of(self, arrays: Any, name: str) -> Array:
        """Return a parameter or gradient of this direction."""
        found: Array = getattr(arrays, self.prefix + name)
        return found

    def steps(self, state: LayerState, name: str) -> Array:
        """Return what this direction keeps of all steps, (time, n, …)."""
        return by_step(self.of(state, name))


class RecurrentLayer(SequenceLayer):
    """A base for recurrent layers, which have `blocks` gates of `units` numbers at each step.

    A layer implements `_step` and `_step_back`, for one step of all sequences.
    """

    backward_needs = frozenset()
    blocks: ClassVar[int] = 1

    units: int = Field(ge=1, description="number of features of the state")
    bidirectional: bool = Field(
        default=False,
        description="whether a second state, with weights of its own, reads sequences from their "
        "end; its features follow those of the first",
    )
    return_sequences: bool = Field(
        default=False,
        description="whether the output is the states of all steps, rather than the last one",
    )
    weight_initializer: Initializer = Field(default=GlorotUniform(), description="initial weights")
    recurrent_initializer: Initializer = Field(
        default=Orthogonal(), description="initial recurrent weights"
    )
    bias_initializer: Initializer = Field(default=Zeros(), description="initial biases")
    weight_regularizer: Regularizer | None = Field(default=None, description="penalty on weights")
    recurrent_regularizer: Regularizer | None = Field(
        default=None, description="penalty on recurrent weights"
    )
    bias_regularizer: Regularizer | None = Field(default=None, description="penalty on biases")

    @property
    def _directions(self) -> tuple[Direction, ...]:
        return _directions(self.units, self.bidirectional)

    def output_shape(self, input_shape: tuple[Shape, ...]) -> Shape:
        """Return (time, features) for all states or (features,), with twice units if both ways."""
        time, _ = self.sequence_shape(input_shape)
        features = self.units * len(self._directions)
        return (time, features) if self.return_sequences else (features,)

    def parameters(self, input_shape: tuple[Shape, ...]) -> dict[str, Parameter]:
        """Return weights, recurrent weights and biases, of each direction."""
        return {
            direction.prefix + name: parameter
            for direction in self._directions
            for name, parameter in self._parameters(input_shape[0][1]).items()
        }

    def _parameters(self, features: int) -> dict[str, Parameter]:
        width = self.blocks * self.units
        initializers = self.weight_initializer, self.recurrent_initializer
        return {
            "weights": Parameter((features, width), initializers[0], self.weight_regularizer),
            "recurrent_weights": Parameter(
                (self.units, width), initializers[1], self.recurrent_regularizer
            ),
            "biases": Parameter(
                (width,), self.bias_initializer, self.bias_regularizer, role="bias"
            ),
        }

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for the gates of all steps, and for what single steps compute."""
        (time, features), width = input_shape[0], self.blocks * self.units
        found = {
            "x": Workspace((time, features)),
            "dx": Workspace((time, features)),
            "gates_of_step": Workspace((width,)),
            "slopes": Workspace((width,)),
            "dh": Workspace((self.units,)),
            "scratch": Workspace((self.units,)),
            "transposed": Workspace((width, self.units), per_sample=False),
            "padding": Workspace((time,), dtype=bool),
            "is_last": Workspace((time,), dtype=bool),
            "ones": Workspace((time,), fill=1.0, constant=True),
        }
        for direction in self._directions:
            for name, each in self._kept(time).items():
                found[direction.prefix + name] = each
        return found

    def _kept(self, time: int) -> dict[str, Workspace]:
        """Return what a direction keeps of all steps for backward."""
        return {
            "h": Workspace((time, self.units)),
            "gates": Workspace((time, self.blocks * self.units)),
        }

    def forward(self, x: tuple[Array, ...], y: Array, state: LayerState) -> None:
        """Run through the steps, in each direction."""
        sequences, padding = by_step(state.x), None
        np.copyto(sequences, x[0].swapaxes(0, 1))
        time, n, _ = sequences.shape
        if len(x) > 1:
            padding = fill_padding(self.type, x[1], state.padding)
            np.equal(x[1].reshape(-1, 1) - 1, steps(time), out=state.is_last)
        for direction in self._directions:
            gates, h = direction.steps(state, "gates"), direction.steps(state, "h")
            np.matmul(_rows(sequences), direction.of(state, "weights"), out=_rows(gates))
            np.add(gates, direction.of(state, "biases"), out=gates)
            for t, before in order_of(time, direction.from_end):
                where = None if padding is None else padding[:, t, None]
                self._step(h, t, before, where, direction, state)
            if self.return_sequences:
                np.copyto(y[:, :, direction.columns], h.swapaxes(0, 1))
            elif padding is not None and not direction.from_end:
                np.copyto(y[:, direction.columns], h[x[1].reshape(-1) - 1, steps(n)])
            else:
                np.copyto(y[:, direction.columns], h[0 if direction.from_end else -1])

    def _step(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """Fill the state h[t], given the one of the step before, if there is one.

        Args:
            h: (time, n, units).
            where: (n, 1), whether the step is padding, at which the state is 0; None if none is.
        """
        raise NotImplementedError

    def backward(
        self,
        x: None,
        y: None,
        dy: Array,
        dx: tuple[Array | None, ...],
        state: LayerState,
    ) -> None:
        """Run back through the steps, then sum the gradients over all of them."""
        sequences, has_lengths, scratch = by_step(state.x), len(dx) > 1, state.scratch
        for direction in self._directions:
            h, dh, later = direction.steps(state, "h"), state.dh, None
            dy_own = dy[..., direction.columns]
            np.copyto(state.transposed, direction.of(state, "recurrent_weights").T)
            self._start_back(direction, state)
            for t, before in reversed(order_of(len(h), direction.from_end)):
                if later is None:
                    dh.fill(0)
                else:
                    self._carry(later, direction, state)
                if self.return_sequences:
                    np.add(dh, dy_own[:, t], out=dh)
                elif has_lengths and not direction.from_end:
                    np.multiply(dy_own, state.is_last[:, t, None], out=scratch)
                    np.add(dh, scratch, out=dh)
                elif later is None:
                    np.copyto(dh, dy_own)
                where = state.padding[:, t, None] if has_lengths else None
                if where is not None:
                    np.copyto(dh, 0, where=where)
                self._step_back(h, t, before, where, direction, state)
                later = t
            self._sum_gradients(sequences, h, direction, state)
            if dx[0] is not None:
                rows, own = _rows(self._of_gates(direction, state)), by_step(state.dx)
                np.matmul(rows, direction.of(state, "weights").T, out=_rows(own))
                if direction.from_end:
                    np.add(dx[0], own.swapaxes(0, 1), out=dx[0])
                else:
                    np.copyto(dx[0], own.swapaxes(0, 1))

    def _start_back(self, direction: Direction, state: LayerState) -> None:
        """Prepare what all steps need, and reset what is carried from step to step."""

    def _carry(self, later: int, direction: Direction, state: LayerState) -> None:
        """Fill `state.dh` with the gradient of a state by way of the step after it."""
        np.matmul(self._of_recurrent(direction, state)[later], state.transposed, out=state.dh)

    def _of_gates(self, direction: Direction, state: LayerState) -> Array:
        """Return where the gradients of the gates are, (time, n, blocks * units)."""
        return direction.steps(state, "gates")

    def _of_recurrent(self, direction: Direction, state: LayerState) -> Array:
        """Return where the gradients of h @ recurrent weights are, of the same shape."""
        return self._of_gates(direction, state)

    def _step_back(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """Fill the gradients of a step's gates, given `state.dh`."""
        raise NotImplementedError

    def _sum_gradients(self, x: Array, h: Array, direction: Direction, state: LayerState) -> None:
        rows, recurrent = (
            _rows(self._of_gates(direction, state)),
            self._of_recurrent(direction, state),
        )
        np.matmul(_rows(x).T, rows, out=direction.of(state.grad, "weights"))
        np.matmul(state.ones.reshape(-1), rows, out=direction.of(state.grad, "biases"))
        own, after = (h[1:], recurrent[:-1]) if direction.from_end else (h[:-1], recurrent[1:])
        of_recurrent = direction.of(state.grad, "recurrent_weights")
        np.matmul(_rows(own).T, _rows(after), out=of_recurrent)


@lru_cache(maxsize=64)
def _directions(units: int, both: bool) -> tuple[Direction, ...]:
    forward = Direction("", slice(0, units), from_end=False)
    backward = Direction("backward_", slice(units, 2 * units), from_end=True)
    return (forward, backward) if both else (forward,)


@lru_cache(maxsize=64)
def order_of(time: int, from_end: bool) -> Sequence[tuple[int, int | None]]:
    """Return the steps in the order in which they are read, each with the one before it."""
    order = range(time - 1, -1, -1) if from_end else range(time)
    return tuple(zip(order, (None, *order[:-1]), strict=True))


def by_step(kept: Array) -> Array:
    """Return workspace declared as (n, time, …), in C order, viewed as (time, n, …)."""
    n, time, width = kept.shape
    return kept.reshape(time, n, width)


def _rows(sequences: Array) -> Array:
    """Return all steps of all sequences viewed as the rows of one matrix."""
    return sequences.reshape(sequences.shape[0] * sequences.shape[1], sequences.shape[2])


def fill_logistic(a: Array) -> None:
    """a = 1 / (1 + exp(-a)) = (1 + tanh(a / 2)) / 2, in place."""
    np.multiply(a, 0.5, out=a)
    np.tanh(a, out=a)
    np.multiply(a, 0.5, out=a)
    np.add(a, 0.5, out=a)


class SimpleRNN(RecurrentLayer):
    """h[t] = f(x[t] @ weights + biases + h[t - 1] @ recurrent_weights), with h[-1] = 0.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); weights:
    (features, units); recurrent_weights: (units, units); biases: (units,); f is tanh or relu.
    y: the last state of each sequence (n, units), or with `return_sequences` all (n, time, units),
    which are 0 at padding. If bidirectional, y has twice units.

    Backward, with a[t] for the argument of f: da[t] = (dy[t] + da[t + 1] @ recurrent_weights.T)
    * f'(a[t]), dweights = the sum over t of x[t].T @ da[t], drecurrent_weights = that of
    h[t - 1].T @ da[t], dbiases = that of da[t], dx[t] = da[t] @ weights.T.

    Keras's `SimpleRNN` and PyTorch's `RNN`, which has two biases that it adds. Source: Elman,
    "Finding Structure in Time", Cognitive Science 14, 1990.
    """

    type = "simple_rnn"
    examples = (
        {"units": 8},
        {"units": 4, "activation": "relu", "bidirectional": True},
        {"units": 8, "return_sequences": True, "inputs": ["embedding_1", "input.lengths"]},
    )
    activation: Literal["tanh", "relu"] = Field(default="tanh", description="the function f")

    def _step(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """h[t] = f(a[t])."""
        a = direction.steps(state, "gates")[t]
        if before is not None:
            recurrent_weights = direction.of(state, "recurrent_weights")
            np.matmul(h[before], recurrent_weights, out=state.gates_of_step)
            np.add(a, state.gates_of_step, out=a)
        if self.activation == "tanh":
            np.tanh(a, out=h[t])
        else:
            np.maximum(a, 0, out=h[t])
        if where is not None:
            np.copyto(h[t], 0, where=where)

    def _step_back(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """da[t] = dh[t] * f'(a[t]), where f' is 1 - h², or 1 for h > 0."""
        slope = state.slopes
        if self.activation == "tanh":
            np.multiply(h[t], h[t], out=slope)
            np.subtract(1, slope, out=slope)
        else:
            np.greater(h[t], 0, out=slope, casting="unsafe")
        np.multiply(state.dh, slope, out=direction.steps(state, "gates")[t])


class GRU(RecurrentLayer):
    """A state that gates reset and update, step by step.

    r = s(x[t] @ W_r + b_r + h[t - 1] @ U_r), z = s(x[t] @ W_z + b_z + h[t - 1] @ U_z),
    c = tanh(x[t] @ W_c + b_c + r * (h[t - 1] @ U_c + v)), h[t] = (1 - z) * c + z * h[t - 1], with
    h[-1] = 0 and s(a) = 1 / (1 + exp(-a)).

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,). The gates
    follow each other as r, z, c in weights (features, 3 * units), recurrent_weights (units,
    3 * units) and biases (3 * units,); candidate_biases v: (units,). y: the last state of each
    sequence (n, units), or with `return_sequences` all (n, time, units), which are 0 at padding.
    If bidirectional, y has twice units.

    Backward, with q = h[t - 1] @ U_c + v: da_c = dh * (1 - z) * (1 - c²), da_z = dh * (h[t - 1] -
    c) * z * (1 - z), da_r = da_c * q * r * (1 - r), dq = da_c * r; dh[t - 1] = dh * z + (da_r,
    da_z, dq) @ recurrent_weights.T.

    PyTorch's `GRU`, with the same order of gates, and Keras's `GRU`, where it is z, r, c; both have
    three recurrent biases, of which b_r and b_z take two here. Source: Cho et al., "Learning Phrase
    Representations using RNN Encoder-Decoder", EMNLP 2014; r after the product, as in cuDNN.
    """

    type = "gru"
    blocks = 3
    output_range = OutputRange(-1, 1)
    examples = (
        {"units": 8},
        {"units": 4, "bidirectional": True, "return_sequences": True},
        {"units": 8, "inputs": ["embedding_1", "input.lengths"]},
    )

    def _parameters(self, features: int) -> dict[str, Parameter]:
        biases = Parameter((self.units,), self.bias_initializer, self.bias_regularizer, role="bias")
        return {**super()._parameters(features), "candidate_biases": biases}

    def _kept(self, time: int) -> dict[str, Workspace]:
        """Return more: what the state before adds to the gates."""
        width = 3 * self.units
        return {**super()._kept(time), "recurrent": Workspace((time, width))}

    def _of_recurrent(self, direction: Direction, state: LayerState) -> Array:
        return direction.steps(state, "recurrent")

    def _step(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """h[t] = c + z * (h[t - 1] - c)."""
        units, new = self.units, h[t]
        gates = direction.steps(state, "gates")[t]
        recurrent = direction.steps(state, "recurrent")[t]
        if before is None:
            recurrent.fill(0)
        else:
            np.matmul(h[before], direction.of(state, "recurrent_weights"), out=recurrent)
        q, c, z = recurrent[:, 2 * units :], gates[:, 2 * units :], gates[:, units : 2 * units]
        np.add(q, direction.of(state, "candidate_biases"), out=q)
        reset_and_update = gates[:, : 2 * units]
        np.add(reset_and_update, recurrent[:, : 2 * units], out=reset_and_update)
        fill_logistic(reset_and_update)
        np.multiply(gates[:, :units], q, out=new)
        np.add(c, new, out=c)
        np.tanh(c, out=c)
        if before is None:
            np.multiply(z, c, out=new)
            np.subtract(c, new, out=new)
        else:
            np.subtract(h[before], c, out=new)
            np.multiply(new, z, out=new)
            np.add(new, c, out=new)
        if where is not None:
            np.copyto(new, 0, where=where)

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return more space: for the gradient of the state before by way of the update gate."""
        return {**super().workspace(input_shape), "carried": Workspace((self.units,))}

    def _carry(self, later: int, direction: Direction, state: LayerState) -> None:
        super()._carry(later, direction, state)
        np.add(state.dh, state.carried, out=state.dh)

    def _step_back(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """The gradients of r, z, c and, for the recurrent weights, of q."""
        units, dh, part, slopes = self.units, state.dh, state.scratch, state.slopes
        gates = direction.steps(state, "gates")[t]
        recurrent = direction.steps(state, "recurrent")[t]
        r, z, c = gates[:, :units], gates[:, units : 2 * units], gates[:, 2 * units :]
        q = recurrent[:, 2 * units :]
        np.multiply(dh, z, out=state.carried)
        logistic = slopes[:, : 2 * units]
        np.multiply(gates[:, : 2 * units], gates[:, : 2 * units], out=logistic)
        np.subtract(gates[:, : 2 * units], logistic, out=logistic)
        np.multiply(c, c, out=slopes[:, 2 * units :])
        np.subtract(1, slopes[:, 2 * units :], out=slopes[:, 2 * units :])
        if before is None:
            np.multiply(dh, c, out=part)
            np.negative(part, out=part)
        else:
            np.subtract(h[before], c, out=part)
            np.multiply(part, dh, out=part)
        np.subtract(dh, state.carried, out=c)
        np.copyto(z, part)
        np.multiply(c, slopes[:, 2 * units :], out=c)
        np.multiply(c, q, out=part)
        np.multiply(c, r, out=q)
        np.copyto(r, part)
        np.multiply(gates[:, : 2 * units], logistic, out=gates[:, : 2 * units])
        np.copyto(recurrent[:, : 2 * units], gates[:, : 2 * units])

    def _sum_gradients(self, x: Array, h: Array, direction: Direction, state: LayerState) -> None:
        super()._sum_gradients(x, h, direction, state)
        rows = _rows(self._of_recurrent(direction, state))[:, 2 * self.units :]
        own = direction.of(state.grad, "candidate_biases")
        np.matmul(state.ones.reshape(-1), rows, out=own)
