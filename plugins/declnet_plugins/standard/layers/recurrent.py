"""The base of recurrent layers: parameters, the loop over steps, sums of gradients.

For all steps, one matrix product gives what the inputs add to the gates; then each step has one
product of the state before with the recurrent weights. The states of padding are 0, so a sequence
that is read from its end starts there with the state 0, too. Backward goes through the steps in
the opposite order; products over all steps then give the gradients of the weights.

Arrays of all steps have the axes (time, n, …), in C order: a step is contiguous, and all steps of
all sequences are the rows of one matrix. The workspace, declared as (n, time, …), is viewed like
that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    Arrays,
    Gradients,
    Initializer,
    LayerState,
    Parameter,
    Regularizer,
    Shape,
    Workspace,
)
from declnet_plugins.standard.initializers import Orthogonal
from declnet_plugins.standard.layers import other_keys
from declnet_plugins.standard.layers.affine import AffineLayer
from declnet_plugins.standard.layers.sequences import SequenceLayer, fill_padding, rows_of, steps


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


class Scan:
    """The arrays of one direction while it reads a batch.

    Attributes:
        direction: the direction.
        state: the layer's state, with the arrays of both directions and those they share.
        h: the states of all steps, (time, n, units).
        gates: (time, n, blocks * units).
    """

    __slots__ = ("direction", "gates", "h", "state")

    def __init__(self, direction: Direction, state: LayerState) -> None:
        self.direction, self.state = direction, state
        self.h, self.gates = self.steps("h"), self.steps("gates")

    def parameter(self, name: str) -> Array:
        """Return a parameter of this direction."""
        return self._named(self.state, name)

    def gradient(self, name: str) -> Array:
        """Return the gradient of a parameter of this direction."""
        return self._named(self.state.grad, name)

    def steps(self, name: str) -> Array:
        """Return what this direction keeps of all steps, (time, n, …)."""
        return by_step(self._named(self.state, name))

    def _named(self, arrays: Any, name: str) -> Array:
        array: Array = getattr(arrays, self.direction.prefix + name)
        return array

    def add_recurrent(self, gates: Array, before: int | None) -> None:
        """Add h[before] @ recurrent_weights to a step's gates, if there is a step before."""
        if before is not None:
            product = self.state.gates_of_step
            np.matmul(self.h[before], self.parameter("recurrent_weights"), out=product)
            np.add(gates, product, out=gates)


class RecurrentLayer(SequenceLayer, AffineLayer):
    """A base for recurrent layers, which have `blocks` gates of `units` numbers at each step.

    A layer implements `_step` and `_step_back`, for one step of all sequences.
    """

    other_keys = {**other_keys.UNITS, **other_keys.AFFINE}
    backward_needs = frozenset()
    blocks: ClassVar[int] = 1
    step_calls: ClassVar[int] = 8
    """NumPy calls of a step, forward and backward."""

    units: int = Field(ge=1, description="number of features of the state")
    bidirectional: bool = Field(
        default=False,
        description="whether a second state, with separate weights, reads sequences from their "
        "end; its features come after the first state's",
    )
    return_sequences: bool = Field(
        default=False,
        description="whether the output is the states of all steps, rather than the last one",
    )
    recurrent_initializer: Initializer = Field(
        default=Orthogonal(), description="initial recurrent weights"
    )
    recurrent_regularizer: Regularizer | None = Field(
        default=None, description="penalty on recurrent weights"
    )

    @property
    def _directions(self) -> tuple[Direction, ...]:
        return _directions(self.units, self.bidirectional)

    def _split(self, gates: Array) -> tuple[Array, ...]:
        """Return views of the parts of the last axis, one for each of the `blocks` gates."""
        ends = range(self.units, gates.shape[-1] + 1, self.units)
        return tuple(gates[..., end - self.units : end] for end in ends)

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
        return {
            "weights": self.weights((features, width)),
            "recurrent_weights": Parameter(
                (self.units, width), self.recurrent_initializer, self.recurrent_regularizer
            ),
            **self._biases(),
        }

    def _biases(self) -> dict[str, Parameter]:
        return self.biases((self.blocks * self.units,))

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return space for the gates of all steps, and for what single steps compute."""
        (time, features), width = input_shape[0], self.blocks * self.units
        arrays = {
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
            for name, memory in self._memory(time).items():
                arrays[direction.prefix + name] = memory
        return arrays

    def numpy_calls(self, input_shape: tuple[Shape, ...]) -> int:
        """Return the calls of all steps, in each direction."""
        return len(self._directions) * (8 + self.step_calls * input_shape[0][0])

    def _memory(self, time: int) -> dict[str, Workspace]:
        """Return what a direction keeps of all steps for backward."""
        return {
            "h": Workspace((time, self.units)),
            "gates": Workspace((time, self.blocks * self.units)),
        }

    def forward(self, x: Arrays, y: Array, state: LayerState) -> None:
        """Run through the steps, in each direction."""
        sequences, padding = by_step(state.x), None
        np.copyto(sequences, x[0].swapaxes(0, 1))
        time, n, _ = sequences.shape
        if len(x) > 1:
            padding = fill_padding(x[1], state.padding)
            np.equal(x[1].reshape(-1, 1) - 1, steps(time), out=state.is_last)
        for direction in self._directions:
            scan = Scan(direction, state)
            gates, h = scan.gates, scan.h
            np.matmul(rows_of(sequences), scan.parameter("weights"), out=rows_of(gates))
            if self.use_bias:
                np.add(gates, scan.parameter("biases"), out=gates)
            for t, before in order_of(time, direction.from_end):
                where = None if padding is None else padding[:, t, None]
                self._step(scan, t, before, where)
            if self.return_sequences:
                np.copyto(y[:, :, direction.columns], h.swapaxes(0, 1))
            elif padding is not None and not direction.from_end:
                np.copyto(y[:, direction.columns], h[x[1].reshape(-1) - 1, steps(n)])
            else:
                np.copyto(y[:, direction.columns], h[0 if direction.from_end else -1])

    def _step(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """Fill the state of step t, given the step before, if there is one.

        Args:
            scan: holds the states and gates, with what the inputs add to them.
            t: the step.
            before: the step read before it; None for the first.
            where: (n, 1), whether the step is padding, at which the state is 0; None if none is.
        """
        raise NotImplementedError

    def backward(self, x: None, y: None, dy: Array, dx: Gradients, state: LayerState) -> None:
        """Run back through the steps, then sum the gradients over all of them."""
        sequences, has_lengths, scratch = by_step(state.x), len(dx) > 1, state.scratch
        for direction in self._directions:
            scan, dh, later = Scan(direction, state), state.dh, None
            dy_own = dy[..., direction.columns]
            np.copyto(state.transposed, scan.parameter("recurrent_weights").T)
            self._start_back(scan)
            for t, before in reversed(order_of(len(scan.h), direction.from_end)):
                if later is None:
                    dh.fill(0)
                else:
                    self._carry(scan, later)
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
                self._step_back(scan, t, before, where)
                later = t
            self._sum_gradients(sequences, scan)
            if dx[0] is not None:
                rows, dinputs = rows_of(self._gate_gradients(scan)), by_step(state.dx)
                np.matmul(rows, scan.parameter("weights").T, out=rows_of(dinputs))
                if direction.from_end:
                    np.add(dx[0], dinputs.swapaxes(0, 1), out=dx[0])
                else:
                    np.copyto(dx[0], dinputs.swapaxes(0, 1))

    def _start_back(self, scan: Scan) -> None:
        """Prepare what all steps need, and reset what is carried from step to step."""

    def _carry(self, scan: Scan, later: int) -> None:
        """Fill `state.dh` with the gradient of a state by way of the step after it."""
        state = scan.state
        np.matmul(self._recurrent_gradients(scan)[later], state.transposed, out=state.dh)

    def _gate_gradients(self, scan: Scan) -> Array:
        """Return where the gradients of the gates are, (time, n, blocks * units)."""
        return scan.gates

    def _recurrent_gradients(self, scan: Scan) -> Array:
        """Return where the gradients of h @ recurrent weights are, of the same shape."""
        return self._gate_gradients(scan)

    def _step_back(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """Fill the gradients of the gates of step t, given `state.dh`; arguments as `_step`."""
        raise NotImplementedError

    def _sum_gradients(self, x: Array, scan: Scan) -> None:
        rows, recurrent, h = (
            rows_of(self._gate_gradients(scan)),
            self._recurrent_gradients(scan),
            scan.h,
        )
        np.matmul(rows_of(x).T, rows, out=scan.gradient("weights"))
        if self.use_bias:
            np.matmul(scan.state.ones.reshape(-1), rows, out=scan.gradient("biases"))
        before, after = (
            (h[1:], recurrent[:-1]) if scan.direction.from_end else (h[:-1], recurrent[1:])
        )
        of_recurrent = scan.gradient("recurrent_weights")
        np.matmul(rows_of(before).T, rows_of(after), out=of_recurrent)


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


def by_step(memory: Array) -> Array:
    """Return workspace declared as (n, time, …), in C order, viewed as (time, n, …)."""
    n, time, width = memory.shape
    return memory.reshape(time, n, width)


def fill_logistic(a: Array) -> None:
    """a = 1 / (1 + exp(-a)) = (1 + tanh(a / 2)) / 2, in place."""
    np.multiply(a, 0.5, out=a)
    np.tanh(a, out=a)
    np.multiply(a, 0.5, out=a)
    np.add(a, 0.5, out=a)
