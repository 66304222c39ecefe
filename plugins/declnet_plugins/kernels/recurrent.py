"""Recurrent layers: all steps of a direction in one call forward and one backward.

A step has one matrix product: the rows z[t] = (x[t], 1, h[t - 1]) of all samples times the weights,
biases and recurrent weights below each other. Since backward needs z too, it is kept for all steps:
the gradient of the weights is the sum of z[t].T @ da[t], one product of all steps' rows.

The steps k = 0, 1, … are numbered as a direction reads them. Arrays of all steps have the axes
(time, n, …), in C order. Divisible by samples, except the gradients, by outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, product, share
from declnet_plugins.kernels import FLOATS, INTEGERS
from declnet_plugins.kernels.recurrent_steps import (
    gru_step,
    gru_step_back,
    lstm_step,
    lstm_step_back,
    relu_step,
    relu_step_back,
    tanh_step,
    tanh_step_back,
)
from declnet_plugins.kernels.rows import Panels, address, multiplier, multiply
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.layers.simple_rnn import SimpleRNN

Call = Callable[[], object]

ZERO, ONE = np.uint64(0), np.uint64(1)

BLOCK = np.int64(48)
"""Samples that go through all steps together, few enough for a step's results to stay cached."""


@Routine
def fill(rows, start, stop, first, last, value):  # type: ignore[no-untyped-def]
    """Fill columns from `first` to `last` of some rows."""
    for s in range(start, stop):
        for j in range(first, last):
            rows[s, j] = value


def forward_of(step: Routine) -> Routine:
    """Return the routine of a direction's forward pass."""

    @Routine
    def recurrent_forward(  # type: ignore[no-untyped-def]
        part, parts, function, x, lengths, from_end, panels, blocks, z, a, saved, all_steps, y
    ):
        """For each step k: a = z[k] @ weights; a step of the layer; h to z[k + 1] and to y.

        Args:
            function: from `multiplier`.
            lengths: (n,), the number of steps that are not padding.
            blocks: a row for each product: its first row of the weights, their number, its first
                column of a, their number, and where its panels begin.
            saved: (time + 1, n, …), of which those of step 0 are 0.
            y: (n, time or 1, units); NaN if a length is impossible, which the layer then reports.
        """
        time, n = np.uint64(x.shape[1]), np.uint64(x.shape[0])
        features, units = np.uint64(x.shape[2]), np.uint64(y.shape[2])
        hidden = features + ONE
        size, width, columns = np.int64(a.itemsize), np.int64(z.shape[2]), np.int64(a.shape[2])
        zero, unity, nan = z.dtype.type(0), z.dtype.type(1), y.dtype.type(np.nan)
        start, last = share(n, part, parts)
        while start < last:
            stop = min(last, start + np.uint64(BLOCK))
            fill(z[ZERO], start, stop, hidden, hidden + units, zero)
            fill(saved[ZERO], start, stop, ZERO, np.uint64(saved.shape[2]), zero)
            for k in range(time):
                t = time - ONE - k if from_end else k
                for s in range(start, stop):
                    for j in range(features):
                        z[k, s, j] = x[s, t, j]
                fill(z[k], start, stop, features, hidden, unity)
                place = np.int64(k * n + start)
                for b in range(blocks.shape[0]):
                    multiply(
                        function,
                        address(z) + (place * width + blocks[b, 0]) * size,
                        width * size,
                        address(panels) + blocks[b, 4] * size,
                        blocks[b, 1],
                        address(a) + (place * columns + blocks[b, 2]) * size,
                        columns * size,
                        np.int64(stop - start),
                        blocks[b, 3],
                        0,
                        size,
                    )
                for s in range(start, stop):
                    length = np.int64(lengths[s])
                    wrong = length < 0 or length > np.int64(time)
                    step(a, saved, z, k, s, hidden, units, np.int64(t) >= length)
                    whole = from_end or wrong or length == 0
                    is_last = k == time - ONE if whole else np.int64(t) == length - 1
                    if all_steps or is_last:
                        for j in range(units):
                            h = z[k + ONE, s, hidden + j]
                            y[s, t if all_steps else ZERO, j] = nan if wrong else h
            start = stop

    return recurrent_forward


def backward_of(step_back: Routine) -> Routine:
    """Return the routine of a direction's backward pass."""

    @Routine
    def recurrent_backward(  # type: ignore[no-untyped-def]
        part,
        parts,
        function,
        dy,
        lengths,
        from_end,
        all_steps,
        panels,
        blocks,
        z,
        a,
        saved,
        dh,
        carried,
        scratch,
        dx,
        adds,
    ):
        """For each step k, from the last: da in place of a; dh = da @ recurrent weights.T; dx.

        Args:
            function: from `multiplier`.
            dy: (n, time or 1, units).
            blocks: as for forward, of da: for dh, and for dx.
            dh, carried, scratch: (n, units).
            dx: (n, time, features), or of no samples if it is not needed.
            adds: whether it is added to dx.
        """
        time, n, units = np.uint64(a.shape[0]), np.uint64(a.shape[1]), np.uint64(dh.shape[1])
        hidden = np.uint64(z.shape[2]) - units
        size, columns = np.int64(a.itemsize), np.int64(a.shape[2])
        zero = dh.dtype.type(0)
        start, last = share(n, part, parts)
        while start < last:
            stop = min(last, start + np.uint64(BLOCK))
            rows = np.int64(stop - start)
            fill(dh, start, stop, ZERO, units, zero)
            fill(carried, start, stop, ZERO, units, zero)
            for reverse in range(time):
                k = time - ONE - reverse
                t = time - ONE - k if from_end else k
                for s in range(start, stop):
                    length = np.int64(lengths[s])
                    if all_steps or (k == time - ONE if from_end else np.int64(t) == length - 1):
                        for j in range(units):
                            dh[s, j] += dy[s, t if all_steps else ZERO, j]
                    if np.int64(t) >= length:
                        fill(dh, s, s + ONE, ZERO, units, zero)
                        fill(carried, s, s + ONE, ZERO, units, zero)
                    step_back(a, saved, z, k, s, hidden, units, dh, carried, scratch)
                rows_of_a = address(a) + np.int64(k * n + start) * columns * size
                if k > ZERO:
                    multiply(
                        function,
                        rows_of_a + blocks[0, 0] * size,
                        columns * size,
                        address(panels) + blocks[0, 4] * size,
                        blocks[0, 1],
                        address(dh) + np.int64(start * units) * size,
                        np.int64(units) * size,
                        rows,
                        blocks[0, 3],
                        1,
                        size,
                    )
                if dx.shape[0] > 0:
                    row = dx.shape[1] * dx.shape[2] * size
                    multiply(
                        function,
                        rows_of_a + blocks[1, 0] * size,
                        columns * size,
                        address(panels) + blocks[1, 4] * size,
                        blocks[1, 1],
                        address(dx) + np.int64(start) * row + np.int64(t) * dx.shape[2] * size,
                        row,
                        rows,
                        blocks[1, 3],
                        1 if adds else 0,
                        size,
                    )
            start = stop

    return recurrent_backward


Matrices = Sequence[tuple[int, int, Sequence[Array]]]
"""As for `Panels`."""


class _RecurrentKernel(CompiledKernel):
    """A kernel of recurrent layers; by default, all of a's columns are products of all of z."""

    blocks: ClassVar[int]
    """The number of columns of a for each unit."""
    saved: ClassVar[int] = 0
    """The number of further numbers to keep for each unit."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, and the gradients of all parameters and of the sequences."""
        (layer,), (state,), x = site.components, site.states, site.x[0]
        dtype, dx = state.weights.dtype, None if site.dx is None else site.dx[0]
        n, time, _ = x.shape
        lengths = np.full(n, time) if len(site.x) == 1 else site.x[1].reshape(-1)
        if x.dtype != dtype or dtype not in FLOATS or lengths.dtype not in INTEGERS:
            return None
        if dx is not None and not dx.flags.c_contiguous:
            return None
        units, forward, backward = layer.units, list[Call](), list[Call]()
        buffers = tuple(np.empty((n, units), dtype) for _ in range(3))
        for number in range(2 if layer.bidirectional else 1):
            from_end = number > 0
            arrays = Direction(state, "backward_" if from_end else "", _absent(layer, dtype))
            y, dy = (_of_direction(array, number, layer) for array in (site.y, site.dy))
            bound = self._bound(layer, x, lengths, from_end, arrays, y, dy, dx, buffers)
            forward += bound[0]
            backward += bound[1]
        return KernelCalls(tuple(forward), tuple(backward))

    def _bound(
        self,
        layer: Any,
        x: Array,
        lengths: Array,
        from_end: bool,
        arrays: "Direction",
        y: Any,
        dy: Any,
        dx: Array | None,
        buffers: Sequence[Array],
    ) -> tuple[list[Call], list[Call]]:
        """Return the calls of one direction."""
        (n, time, features), units, dtype = x.shape, layer.units, x.dtype
        width = features + 1 + units
        z, a = (
            np.empty((time + 1, n, width), dtype),
            np.empty((time, n, self.blocks * units), dtype),
        )
        saved = np.empty((time + 1, n, self.saved * units) if self.saved else (1, 1, 0), dtype)
        function = multiplier(dtype)
        (step, step_back), every = self._steps(layer), layer.return_sequences
        weights = Panels(dtype, self._weights(arrays, features, units))
        memory = weights.flat, weights.blocks, z, a, saved
        forward: list[Call] = [*weights.calls]
        forward.append(step.bound(function, x, lengths, from_end, *memory, every, y))
        if dy is None:
            return forward, []
        turned = Panels(dtype, self._turned(arrays, units))
        target = np.empty((0, 1, 1), dtype) if dx is None else dx
        memory = turned.flat, turned.blocks, z, a, saved
        through = step_back.bound(
            function, dy, lengths, from_end, every, *memory, *buffers, target, from_end
        )
        rows, slopes = z[:time].reshape(-1, width), a.reshape(-1, a.shape[2])
        sums = []
        for first, column, gradient in self._gradients(arrays, features, units):
            later = n if first > features and time > 1 else 0  # h before the first step is 0
            own_rows = rows[later:, first : first + len(gradient)]
            sums.append(product(own_rows.T, slopes[later:, column], gradient))
        return forward, [*turned.calls, through, *(sum_ for sum_ in sums if sum_ is not None)]

    def _steps(self, layer: Any) -> tuple[Routine, Routine]:
        """Return the routines of the two passes."""
        raise NotImplementedError

    def _weights(self, arrays: "Direction", features: int, units: int) -> Matrices:
        """Return what z is multiplied by, for a."""
        return [(0, 0, (arrays.weights, arrays.biases[None], arrays.recurrent_weights))]

    def _turned(self, arrays: "Direction", units: int) -> Matrices:
        """Return what da is multiplied by: for dh, and for dx."""
        return [(0, 0, (arrays.recurrent_weights.T,)), (0, 0, (arrays.weights.T,))]

    def _gradients(
        self,
        arrays: "Direction",
        features: int,
        units: int,
    ) -> Sequence[tuple[int, slice, Array]]:
        """Return gradients, each with its first column of z and its columns of da."""
        gradients = arrays.gradients
        every = slice(None)
        return [
            (0, every, gradients.weights),
            (features, every, gradients.biases[None]),
            (features + 1, every, gradients.recurrent_weights),
        ]


class Direction:
    """The parameters of one direction, and `gradients`, their gradients.

    Those that the layer does not have are `absent`, whose gradients are filled but not used.
    """

    def __init__(self, arrays: Any, prefix: str, absent: Mapping[str, Array]) -> None:
        self._arrays, self._prefix, self._absent = arrays, prefix, absent

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            return self._absent[name]
        return getattr(self._arrays, self._prefix + name)

    @property
    def gradients(self) -> "Direction":
        """The gradients."""
        scratch = {name: np.empty_like(array) for name, array in self._absent.items()}
        return Direction(self._arrays.grad, self._prefix, scratch)


def _absent(layer: Any, dtype: Any) -> dict[str, Array]:
    """Return zeros for the biases of a layer without any."""
    if layer.use_bias:
        return {}
    widths = {"biases": layer.blocks * layer.units, "candidate_biases": layer.units}
    return {name: np.zeros(width, dtype) for name, width in widths.items()}


def _of_direction(array: Array | None, number: int, layer: Any) -> Array | None:
    """Return a direction's part of y or dy, (n, time or 1, units)."""
    if array is None:
        return None
    part = array[..., number * layer.units : (number + 1) * layer.units]
    return part if layer.return_sequences else part[:, None]


LSTM_STEPS = forward_of(lstm_step), backward_of(lstm_step_back)
GRU_STEPS = forward_of(gru_step), backward_of(gru_step_back)
SIMPLE_STEPS = {
    "tanh": (forward_of(tanh_step), backward_of(tanh_step_back)),
    "relu": (forward_of(relu_step), backward_of(relu_step_back)),
}


class LSTMKernel(_RecurrentKernel):
    """c[t] = f * c[t - 1] + i * g, h[t] = o * tanh(c[t]), with i, f, o, g side by side in a."""

    type = "lstm_jit"
    replaces = (LSTM,)
    blocks = 4
    saved = 2

    def _steps(self, layer: Any) -> tuple[Routine, Routine]:
        return LSTM_STEPS


class SimpleRNNKernel(_RecurrentKernel):
    """h[t] = f(x[t] @ weights + biases + h[t - 1] @ recurrent_weights)."""

    type = "simple_rnn_jit"
    replaces = (SimpleRNN,)
    blocks = 1

    def _steps(self, layer: Any) -> tuple[Routine, Routine]:
        return SIMPLE_STEPS[layer.activation]


class GRUKernel(_RecurrentKernel):
    """h[t] = (1 - z) * c + z * h[t - 1], with c, r, z and q = h[t - 1] @ U_c + v side by side in a.

    So the columns that depend on x, c, r, z, are adjacent, and those that depend on h, r, z, q.
    """

    type = "gru_jit"
    replaces = (GRU,)
    blocks = 4

    def _steps(self, layer: Any) -> tuple[Routine, Routine]:
        return GRU_STEPS

    def _weights(self, arrays: Direction, features: int, units: int) -> Matrices:
        gates, c = _gates_and_candidate(arrays, units)
        return [
            (0, 0, c[:2]),
            (0, units, gates),
            (features, 3 * units, (arrays.candidate_biases[None], c[2])),
        ]

    def _turned(self, arrays: Direction, units: int) -> Matrices:
        gates, c = _gates_and_candidate(arrays, units)
        return [(units, 0, (gates[2].T, c[2].T)), (0, 0, (c[0].T, gates[0].T))]

    def _gradients(
        self, arrays: Direction, features: int, units: int
    ) -> Sequence[tuple[int, slice, Array]]:
        gates, c = _gates_and_candidate(arrays.gradients, units)
        columns = slice(units, 3 * units), slice(units), slice(3 * units, 4 * units)
        return [
            *zip((0, features, features + 1), [columns[0]] * 3, gates, strict=True),
            (0, columns[1], c[0]),
            (features, columns[1], c[1]),
            (features + 1, columns[2], c[2]),
            (features, columns[2], arrays.gradients.candidate_biases[None]),
        ]


def _gates_and_candidate(
    arrays: Direction, units: int
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Return the columns of r and z, and of c, in weights, biases and recurrent weights."""
    parts = arrays.weights, arrays.biases[None], arrays.recurrent_weights
    return tuple(part[:, : 2 * units] for part in parts), tuple(
        part[:, 2 * units :] for part in parts
    )
