"""The LSTM, a recurrent layer with a cell that gates write, keep and read."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.layers.recurrent import RecurrentLayer, Scan, by_step, fill_logistic


class LSTM(RecurrentLayer):
    """A cell that gates write, keep and read, step by step.

    i, f, o = s(x[t] @ W + b + h[t - 1] @ U) with weights of their own, g = tanh(x[t] @ W_g + b_g +
    h[t - 1] @ U_g), c[t] = f * c[t - 1] + i * g, h[t] = o * tanh(c[t]), with h[-1] = c[-1] = 0 and
    s(a) = 1 / (1 + exp(-a)).

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,). The gates
    follow each other as i, f, o, g (input, forget, output, candidate) in weights (features,
    4 * units), recurrent_weights (units, 4 * units) and biases (4 * units,). y: the last state h of
    each sequence (n, units), or with `return_sequences` all (n, time, units), which are 0 at
    padding. If bidirectional, y has twice units.

    Backward: dc[t] = dh[t] * o * (1 - tanh(c[t])²) + dc[t + 1] * f[t + 1]; da_i = dc * g * i *
    (1 - i), da_f = dc * c[t - 1] * f * (1 - f), da_o = dh * tanh(c) * o * (1 - o), da_g = dc * i *
    (1 - g²); dh[t - 1] = da[t] @ recurrent_weights.T.

    PyTorch's and Keras's `LSTM`, whose order of gates is i, f, g, o; PyTorch has two biases, which
    it adds. Sources: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9,
    1997; forget gates: Gers, Schmidhuber and Cummins, 2000; their bias of 1: Jozefowicz, Zaremba
    and Sutskever, ICML 2015.
    """

    type = "lstm"
    blocks = 4
    step_calls = 20
    output_range = OutputRange(-1, 1)
    examples = (
        {"units": 8},
        {"units": 4, "bidirectional": True, "return_sequences": True},
        {"units": 8, "use_bias": False, "inputs": ["embedding_1", "input.lengths"]},
    )

    forget_bias: float = Field(
        default=1.0, description="added to the initial biases of the forget gate"
    )

    def _biases(self) -> dict[str, Parameter]:
        initial = GateBiases(start=self.bias_initializer, gate=1, gates=4, more=self.forget_bias)
        return self.biases((4 * self.units,), initializer=initial)

    def _memory(self, time: int) -> dict[str, Workspace]:
        """Return the gates, the cells, and the tanh of the cells."""
        cells = Workspace((time, self.units))
        return {**super()._memory(time), "cells": cells, "tanh": cells}

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return more space: for the gradients of the gates and of the cells."""
        dgates = Workspace((input_shape[0][0], 4 * self.units))
        return {**super().workspace(input_shape), "dgates": dgates, "dc": Workspace((self.units,))}

    def _step(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """c[t] = f * c[t - 1] + i * g, h[t] = o * tanh(c[t])."""
        gates, cells, tanh = scan.gates[t], scan.steps("cells"), scan.steps("tanh")[t]
        scan.add_recurrent(gates, before)
        fill_logistic(gates[:, : 3 * self.units])
        (i, f, o, g), c = self._split(gates), cells[t]
        np.tanh(g, out=g)
        np.multiply(i, g, out=c)
        if before is not None:
            np.multiply(f, cells[before], out=scan.state.scratch)
            np.add(c, scan.state.scratch, out=c)
        if where is not None:
            np.copyto(c, 0, where=where)
        np.tanh(c, out=tanh)
        np.multiply(o, tanh, out=scan.h[t])

    def _gate_gradients(self, scan: Scan) -> Array:
        return by_step(scan.state.dgates)

    def _start_back(self, scan: Scan) -> None:
        """Fill, for all steps together, what the gradients of dc and dh are multiplied by.

        dgates: dc[t] to the gradients of i, f, g, and dh[t] to that of o; tanh: dh[t] to dc[t].
        """
        scan.state.dc.fill(0)
        gates, slopes, tanh = scan.gates, by_step(scan.state.dgates), scan.steps("tanh")
        np.multiply(gates, gates, out=slopes)
        logistic = slopes[:, :, : 3 * self.units]
        np.subtract(gates[:, :, : 3 * self.units], logistic, out=logistic)
        (i, _, o, g), (by_i, by_f, by_o, by_g) = self._split(gates), self._split(slopes)
        np.subtract(1, by_g, out=by_g)
        np.multiply(by_i, g, out=by_i)
        np.multiply(by_g, i, out=by_g)
        np.multiply(by_o, tanh, out=by_o)
        first, after, before = 0, slice(1, None), slice(-1)
        if scan.direction.from_end:
            first, after, before = -1, before, after
        np.multiply(by_f[after], scan.steps("cells")[before], out=by_f[after])
        by_f[first] = 0
        np.multiply(tanh, tanh, out=tanh)
        np.subtract(1, tanh, out=tanh)
        np.multiply(tanh, o, out=tanh)

    def _step_back(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """The gradients of the gates; then dc of the step before."""
        state, dgates = scan.state, by_step(scan.state.dgates)[t]
        dh, dc = state.dh, state.dc
        np.multiply(dh, scan.steps("tanh")[t], out=state.scratch)
        np.add(dc, state.scratch, out=dc)
        if where is not None:
            np.copyto(dc, 0, where=where)
        for gate, gradient in zip(self._split(dgates), (dc, dc, dh, dc), strict=True):
            np.multiply(gate, gradient, out=gate)
        np.multiply(dc, self._split(scan.gates[t])[1], out=dc)


class GateBiases(Initializer):
    """The biases of gates, filled by another initializer, with a number added to one gate's."""

    type = "gate_biases"

    start: Initializer
    gate: int
    gates: int
    more: float

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """Fill all, then add to one gate's."""
        self.start.fill(w, rng, fan_in, fan_out)
        w.reshape(self.gates, -1)[self.gate] += self.more
