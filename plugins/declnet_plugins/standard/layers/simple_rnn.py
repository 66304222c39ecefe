"""The simple recurrent layer, whose state is a function of the input and the state before."""

from typing import Literal

import numpy as np
from pydantic import Field

from declnet import Array
from declnet_plugins.standard.layers.recurrent import RecurrentLayer, Scan


class SimpleRNN(RecurrentLayer):
    """h[t] = f(x[t] @ weights + biases + h[t - 1] @ recurrent_weights), with h[-1] = 0.

    x: sequences (n, time, features) and, as an optional second input, their lengths (n,); weights:
    (features, units); recurrent_weights: (units, units); biases: (units,); f is tanh or relu.
    y: the last state of each sequence (n, units), or with `return_sequences` all (n, time, units),
    which are 0 at padding. If bidirectional, y has twice units.

    Backward, with a[t] for the argument of f: da[t] = (dy[t] + da[t + 1] @ recurrent_weights.T)
    * f'(a[t]), dweights = the sum over t of x[t].T @ da[t], drecurrent_weights = the sum
    of h[t - 1].T @ da[t], dbiases = the sum of da[t], dx[t] = da[t] @ weights.T.

    Keras's `SimpleRNN` and PyTorch's `RNN`, which has two biases that it adds. Source: Elman,
    "Finding Structure in Time", Cognitive Science 14, 1990.
    """

    type = "simple_rnn"
    examples = (
        {"units": 8},
        {"units": 4, "activation": "relu", "bidirectional": True},
        {
            "units": 8,
            "use_bias": False,
            "return_sequences": True,
            "inputs": ["embedding_1", "input.lengths"],
        },
    )
    other_types = ("rnn",)
    activation: Literal["tanh", "relu"] = Field(default="tanh", description="the function f")

    def _step(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """h[t] = f(a[t])."""
        a, h = scan.gates[t], scan.h[t]
        scan.add_recurrent(a, before)
        if self.activation == "tanh":
            np.tanh(a, out=h)
        else:
            np.maximum(a, 0, out=h)
        if where is not None:
            np.copyto(h, 0, where=where)

    def _step_back(self, scan: Scan, t: int, before: int | None, where: Array | None) -> None:
        """da[t] = dh[t] * f'(a[t]), where f' is 1 - h², or 1 for h > 0."""
        slope, h = scan.state.slopes, scan.h[t]
        if self.activation == "tanh":
            np.multiply(h, h, out=slope)
            np.subtract(1, slope, out=slope)
        else:
            np.greater(h, 0, out=slope, casting="unsafe")
        np.multiply(scan.state.dh, slope, out=scan.gates[t])
