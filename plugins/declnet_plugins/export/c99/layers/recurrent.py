"""Recurrent layers in C99: a loop over the steps, which has the memory of a single one."""

from __future__ import annotations

from textwrap import indent
from typing import Any

from declnet import Layer
from declnet_plugins.exchange import TranslationSite
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.translation import CTranslation, check_lengths, step
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.layers.recurrent import RecurrentLayer
from declnet_plugins.standard.layers.simple_rnn import SimpleRNN

STEPS: dict[type[Layer], str] = {
    SimpleRNN: "for (int j = 0; j < $units; j++) h[j] = $activation;",
    LSTM: """for (int j = 0; j < $units; j++) {
    cells[j] = $sigmoid(gates[$units + j]) * cells[j]
               + $sigmoid(gates[j]) * tanhf(gates[3 * $units + j]);
    h[j] = $sigmoid(gates[2 * $units + j]) * tanhf(cells[j]);
}""",
    GRU: """for (int j = 0; j < $units; j++) {
    const float r = $sigmoid(gates[j] + recurrent[j]);
    const float z = $sigmoid(gates[$units + j] + recurrent[$units + j]);
    const float q = recurrent[2 * $units + j]$candidate;
    const float next = tanhf(gates[2 * $units + j] + r * q);
    h[j] = next + z * (h[j] - next);
}""",
}
"""The state computed from the gates, to which the input and the previous state were added."""

SIGMOID = """
/* 1 / (1 + exp(-x)), exact at both ends. */
static float $name(float x)
{
    const float e = expf(-fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}
"""

DIRECTION = """
{
    for (int j = 0; j < $units; j++) h[j] = 0.0f;
$start
    for (int n = 0; n < $length; n++) {
        const int t = $step;
        const float *const given = x + t * $features;
$products
$state
$kept
    }
$last
}
"""


class CRecurrent(CTranslation):
    """A recurrent layer, in one direction or both."""

    replaces = (SimpleRNN, LSTM, GRU)

    def write(self, layer: RecurrentLayer, site: TranslationSite, w: CWriter) -> Value:
        """Add a loop over the steps for each direction."""
        parameters: dict[str, Any] = dict(site.parameters)
        time, features = site.input_shapes[0]
        inputs = dict(zip(("x", "lengths"), site.inputs, strict=False))
        length = "lengths[0]" if len(inputs) > 1 else str(time)
        units, total = layer.units, site.output_shape[-1]
        width = layer.blocks * units
        check_lengths(w, inputs.get("lengths"), time)
        body = ""
        if len(inputs) > 1 and layer.return_sequences:
            body += f"for (int i = lengths[0] * {total}; i < {time * total}; i++) y[i] = 0.0f;\n"
        for prefix, column in (("", 0), ("backward_", units))[: total // units]:
            body += _direction(layer, prefix, column, length, (features, total))
        scratch = {"h": w.scratch(units), "gates": w.scratch(width)}
        if isinstance(layer, LSTM):
            scratch["cells"] = w.scratch(units)
        if isinstance(layer, GRU):
            scratch["recurrent"] = w.scratch(width)
        activation = ""
        if isinstance(layer, SimpleRNN):
            is_tanh = layer.activation == "tanh"
            activation = "tanhf(gates[j])" if is_tanh else "0.0f > gates[j] ? 0.0f : gates[j]"
        return step(
            site, body, inputs, scratch=scratch, units=units,
            features=features, activation=activation,
            sigmoid="" if isinstance(layer, SimpleRNN) else sigmoid(w), **parameters,
        )  # fmt: skip


def _direction(
    layer: RecurrentLayer, prefix: str, column: int, length: str, sizes: tuple[int, int]
) -> str:
    """Return statements that read the sequence in one direction, with `$term` for its terms."""
    (features, total), units = sizes, layer.units
    width = layer.blocks * units
    biases = f"${prefix}biases" if layer.use_bias else "0"
    products = product(features, width, f"${prefix}weights", biases, "given", "gates")
    is_gru = isinstance(layer, GRU)
    into, start = ("recurrent", "0") if is_gru else ("gates", None)
    products += "\n" + product(units, width, f"${prefix}recurrent_weights", start, "h", into)
    candidate = f" + ${prefix}candidate_biases[j]" if layer.use_bias else ""
    state = STEPS[type(layer)].replace("$candidate", candidate)
    at = f"{column} + j" if column else "j"
    whole = layer.return_sequences
    stored = f"for (int j = 0; j < {units}; j++) y[t * {total} + {at}] = h[j];" if whole else ""
    last = "" if whole else f"for (int j = 0; j < {units}; j++) y[{at}] = h[j];"
    cells = isinstance(layer, LSTM)
    parts = {
        "start": (f"for (int j = 0; j < {units}; j++) cells[j] = 0.0f;" if cells else "", 4),
        "products": (products, 8),
        "state": (state, 8),
        "kept": (stored, 8),
        "last": (last, 4),
    }
    body = DIRECTION.replace("$step", f"{length} - 1 - n" if prefix else "n")
    body = body.replace("$length", length)
    for name, (text, spaces) in parts.items():
        body = body.replace(f"${name}\n", indent(text, " " * spaces) + "\n" if text else "")
    return body


def sigmoid(writer: CWriter) -> str:
    """Return the name of a function, the logistic function of a float."""
    return writer.helper("sigmoid", SIGMOID)
