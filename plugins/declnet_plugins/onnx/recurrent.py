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

GATES: dict[type[Any], tuple[int, ...]] = {LSTM: (0, 2, 1, 3), GRU: (1, 0, 2), SimpleRNN: (0,)}
"""The positions of declnet's gates in ONNX's order: i, o, f, c; z, r, h."""

OPERATORS: dict[type[Any], str] = {LSTM: "LSTM", GRU: "GRU", SimpleRNN: "RNN"}


class OnnxRecurrent(OnnxTranslation):
    """The operator of the same name, over (time, n, features)."""

    replaces = (LSTM, GRU, SimpleRNN)

    def write(self, component: Any, site: TranslationSite, w: GraphWriter) -> str:
        """Return the states of all steps, or the last ones."""
        (time, _), units = site.input_shapes[0], component.units
        prefixes = ("", "backward_") if component.bidirectional else ("",)
        directions = [_given(component, site.parameters, prefix) for prefix in prefixes]
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
            OPERATORS[type(component)],
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


def _given(component: Any, parameters: Any, prefix: str) -> tuple[Array, ...]:
    """Return the weights of a direction: (gates * units, …), and any biases of both products."""
    order = GATES[type(component)]
    units = component.units

    def ordered(array: Array) -> Array:
        return np.concatenate([array[..., k * units : (k + 1) * units] for k in order], axis=-1)

    weights, recurrent = (
        ordered(np.asarray(parameters[prefix + name])).T
        for name in ("weights", "recurrent_weights")
    )
    if not component.use_bias:
        return weights, recurrent
    biases = ordered(np.asarray(parameters[f"{prefix}biases"]))
    more = np.zeros_like(biases)
    if isinstance(component, GRU):
        more[2 * units :] = parameters[f"{prefix}candidate_biases"]
    return weights, recurrent, np.concatenate([biases, more])
