"""The LSTM, a recurrent layer with a cell that gates write, keep and read."""

import numpy as np
from pydantic import Field

from declnet import Array, Initializer, LayerState, OutputRange, Parameter, Shape, Workspace
from declnet_standard.layers.recurrent import Direction, RecurrentLayer, fill_logistic


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
    output_range = OutputRange(-1, 1)
    examples = (
        {"units": 8},
        {"units": 4, "bidirectional": True, "return_sequences": True},
        {"units": 8, "inputs": ["embedding_1", "input.lengths"]},
    )

    forget_bias: float = Field(
        default=1.0, description="added to the initial biases of the forget gate"
    )

    def _parameters(self, features: int) -> dict[str, Parameter]:
        found = super()._parameters(features)
        biases = GateBiases(start=self.bias_initializer, gate=1, gates=4, more=self.forget_bias)
        found["biases"] = Parameter((4 * self.units,), biases, self.bias_regularizer, role="bias")
        return found

    def _kept(self, time: int) -> dict[str, Workspace]:
        """Return the gates, the cells, and the tanh of the cells."""
        cells = Workspace((time, self.units))
        return {**super()._kept(time), "cells": cells, "tanh": cells}

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return more space: for the gradient of the cells."""
        return {**super().workspace(input_shape), "dc": Workspace((self.units,))}

    def _step(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """c[t] = f * c[t - 1] + i * g, h[t] = o * tanh(c[t])."""
        units, gates = self.units, direction.of(state, "gates")[:, t]
        cells, tanh = direction.of(state, "cells"), direction.of(state, "tanh")[:, t]
        if before is not None:
            recurrent_weights = direction.of(state, "recurrent_weights")
            np.matmul(h[:, before], recurrent_weights, out=state.gates_of_step)
            np.add(gates, state.gates_of_step, out=gates)
        fill_logistic(gates[:, : 3 * units])
        g, c = gates[:, 3 * units :], cells[:, t]
        np.tanh(g, out=g)
        np.multiply(gates[:, :units], g, out=c)
        if before is not None:
            np.multiply(gates[:, units : 2 * units], cells[:, before], out=state.scratch)
            np.add(c, state.scratch, out=c)
        if where is not None:
            np.copyto(c, 0, where=where)
        np.tanh(c, out=tanh)
        np.multiply(gates[:, 2 * units : 3 * units], tanh, out=h[:, t])

    def _start_back(self, state: LayerState) -> None:
        """dc = 0 after the last step."""
        state.dc.fill(0)

    def _step_back(
        self,
        h: Array,
        t: int,
        before: int | None,
        where: Array | None,
        direction: Direction,
        state: LayerState,
    ) -> None:
        """The gradients of the gates; then that of the cells of the step before."""
        units, dh, dc, part = self.units, state.dh, state.dc, state.scratch
        gates, slopes = direction.of(state, "gates")[:, t], state.slopes
        tanh = direction.of(state, "tanh")[:, t]
        i, f, o, g = (gates[:, k * units : (k + 1) * units] for k in range(4))
        np.multiply(tanh, tanh, out=part)
        np.subtract(1, part, out=part)
        np.multiply(part, o, out=part)
        np.multiply(part, dh, out=part)
        np.add(dc, part, out=dc)
        if where is not None:
            np.copyto(dc, 0, where=where)
        logistic, of_g = slopes[:, : 3 * units], slopes[:, 3 * units :]
        np.multiply(gates[:, : 3 * units], gates[:, : 3 * units], out=logistic)
        np.subtract(gates[:, : 3 * units], logistic, out=logistic)
        np.multiply(g, g, out=of_g)
        np.subtract(1, of_g, out=of_g)
        np.multiply(dh, tanh, out=o)
        np.multiply(dc, g, out=part)
        np.multiply(dc, i, out=g)
        np.copyto(i, part)
        np.copyto(part, f)
        if before is None:
            f.fill(0)
        else:
            np.multiply(dc, direction.of(state, "cells")[:, before], out=f)
        np.multiply(gates, slopes, out=gates)
        np.multiply(dc, part, out=dc)


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
