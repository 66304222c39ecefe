"""The GRU, a recurrent layer with a state that gates reset and update."""

import numpy as np

from declnet import Array, OutputRange, Parameter, Shape, Workspace
from declnet_plugins.standard.layers.recurrent import RecurrentLayer, Scan, fill_logistic
from declnet_plugins.standard.layers.sequences import rows_of


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
    step_calls = 30
    output_range = OutputRange(-1, 1)
    examples = (
        {"units": 8},
        {"units": 4, "bidirectional": True, "return_sequences": True},
        {"units": 8, "use_bias": False, "inputs": ["embedding_1", "input.lengths"]},
    )

    def _biases(self) -> dict[str, Parameter]:
        return super()._biases() | self.biases((self.units,), "candidate_biases")

    def _memory(self, time: int) -> dict[str, Workspace]:
        """Return h[t - 1] @ recurrent_weights of all steps, too."""
        width = 3 * self.units
        return {**super()._memory(time), "recurrent": Workspace((time, width))}

    def _recurrent_gradients(self, scan: Scan) -> Array:
        return scan.steps("recurrent")

    def _step(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """h[t] = c + z * (h[t - 1] - c)."""
        gates, recurrent, h = scan.gates[t], scan.steps("recurrent")[t], scan.h[t]
        if before is None:
            recurrent.fill(0)
        else:
            np.matmul(scan.h[before], scan.parameter("recurrent_weights"), out=recurrent)
        (r, z, c), (_, _, q) = self._split(gates), self._split(recurrent)
        if self.use_bias:
            np.add(q, scan.parameter("candidate_biases"), out=q)
        reset_and_update = slice(2 * self.units)
        np.add(
            gates[:, reset_and_update],
            recurrent[:, reset_and_update],
            out=gates[:, reset_and_update],
        )
        fill_logistic(gates[:, reset_and_update])
        np.multiply(r, q, out=h)
        np.add(c, h, out=c)
        np.tanh(c, out=c)
        if before is None:
            np.multiply(z, c, out=h)
            np.subtract(c, h, out=h)
        else:
            np.subtract(scan.h[before], c, out=h)
            np.multiply(h, z, out=h)
            np.add(h, c, out=h)
        if where is not None:
            np.copyto(h, 0, where=where)

    def workspace(self, input_shape: tuple[Shape, ...]) -> dict[str, Workspace]:
        """Return more space: for the gradient of the state before by way of the update gate."""
        return {**super().workspace(input_shape), "carried": Workspace((self.units,))}

    def _carry(self, scan: Scan, later: int) -> None:
        super()._carry(scan, later)
        state = scan.state
        np.add(state.dh, state.carried, out=state.dh)

    def _step_back(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """The gradients of r, z, c and, for the recurrent weights, of q."""
        state, gates, recurrent = scan.state, scan.gates[t], scan.steps("recurrent")[t]
        dh, part, slopes = state.dh, state.scratch, state.slopes
        (r, z, c), (_, _, q), (_, _, by_c) = map(self._split, (gates, recurrent, slopes))
        reset_and_update = slice(2 * self.units)
        logistic = slopes[:, reset_and_update]
        np.multiply(dh, z, out=state.carried)
        np.multiply(gates[:, reset_and_update], gates[:, reset_and_update], out=logistic)
        np.subtract(gates[:, reset_and_update], logistic, out=logistic)
        np.multiply(c, c, out=by_c)
        np.subtract(1, by_c, out=by_c)
        if before is None:
            np.multiply(dh, c, out=part)
            np.negative(part, out=part)
        else:
            np.subtract(scan.h[before], c, out=part)
            np.multiply(part, dh, out=part)
        np.subtract(dh, state.carried, out=c)
        np.copyto(z, part)
        np.multiply(c, by_c, out=c)
        np.multiply(c, q, out=part)
        np.multiply(c, r, out=q)
        np.copyto(r, part)
        np.multiply(gates[:, reset_and_update], logistic, out=gates[:, reset_and_update])
        np.copyto(recurrent[:, reset_and_update], gates[:, reset_and_update])

    def _sum_gradients(self, x: Array, scan: Scan) -> None:
        super()._sum_gradients(x, scan)
        if self.use_bias:
            rows = rows_of(self._recurrent_gradients(scan))[:, 2 * self.units :]
            gradient = scan.gradient("candidate_biases")
            np.matmul(scan.state.ones.reshape(-1), rows, out=gradient)
