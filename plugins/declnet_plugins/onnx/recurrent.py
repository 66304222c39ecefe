"""Recurrent layers in ONNX: LSTM, GRU and RNN, in one direction or both."""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.onnx.translation import OnnxTranslation
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.layers.simple_rnn import SimpleRNN

OPERATORS: dict[str, tuple[type[Any], tuple[int, ...]]] = {
    "LSTM": (LSTM, (0, 2, 1, 3)),
    "GRU": (GRU, (1, 0, 2)),
    "RNN": (SimpleRNN, (0,)),
}
"""The layer of each operator, and the permutation from declnet's order of gates to ONNX's (i, o, f,
c; z, r, h), which is its own inverse."""


def ordered_gates(array: Array, operator: str, units: int) -> Array:
    """Return an array (gates * units, …) with declnet's gates in ONNX's order, or vice versa."""
    _, order = OPERATORS[operator]
    return np.concatenate([array[gate * units : (gate + 1) * units] for gate in order])


class OnnxRecurrent(OnnxTranslation):
    """The operator of the same name, over (time, n, features)."""

    replaces = (LSTM, GRU, SimpleRNN)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return the states of all steps, or the last ones."""
        (time, _), units = site.input_shapes[0], component.units
        operator = next(name for name, (layer, _) in OPERATORS.items() if layer is type(component))
        prefixes = ("", "backward_") if component.bidirectional else ("",)
        directions = [_given(component, operator, site.parameters, prefix) for prefix in prefixes]
        stacked = [np.stack(arrays) for arrays in zip(*directions, strict=True)]
        constants = [w.constant(array, "float32") for array in stacked]
        lengths = ""
        if len(site.inputs) > 1:
            lengths = w.cast(w.flat(site.inputs[1]), "int32")
        settings: dict[str, Any] = {"hidden_size": units}
        settings["direction"] = "bidirectional" if component.bidirectional else "forward"
        if isinstance(component, SimpleRNN):
            activation = "Relu" if component.activation == "relu" else "Tanh"
            settings["activations"] = [activation] * len(prefixes)
        if isinstance(component, GRU):
            settings["linear_before_reset"] = 1
        states, last = w.node(
            operator,
            [
                w.transpose(site.inputs[0], 1, 0, 2),
                *(constants if component.use_bias else [*constants, ""]),
                lengths,
            ],
            ("float32", "float32"),
            **settings,
        )
        if component.return_sequences:  # (time, directions, n, units)
            return w.reshape(w.transpose(states, 2, 0, 1, 3), (time, units * len(prefixes)))
        return w.reshape(w.transpose(last, 1, 0, 2), (units * len(prefixes),))


def _given(component: Any, operator: str, parameters: Any, prefix: str) -> tuple[Array, ...]:
    """Return the weights of a direction: (gates * units, …), and any biases of both products."""
    units, names = component.units, ["weights", "recurrent_weights", "biases"]
    weights, recurrent, *others = (
        ordered_gates(np.asarray(parameters[prefix + name]).T, operator, units)
        for name in names[: 2 + component.use_bias]
    )
    if not others:
        return weights, recurrent
    (biases,) = others
    more = np.zeros_like(biases)
    if isinstance(component, GRU):
        more[2 * units :] = parameters[f"{prefix}candidate_biases"]
    return weights, recurrent, np.concatenate([biases, more])
