"""Recurrent layers in a graph, whose sequences have the time first, and the views around them.

A view names the axes of a value: t time, n batch, d directions, f features of all directions, h
features of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import UnsupportedError
from declnet_plugins.onnx.importing.graph import Node
from declnet_plugins.onnx.importing.network import Value
from declnet_plugins.onnx.importing.reading import Reader
from declnet_plugins.onnx.recurrent import OPERATORS, ordered_gates


def recurrent(r: Reader, node: Node) -> None:
    """Add a recurrent layer; its states are read in order, or the last one, or both."""
    attributes = node.attributes
    x = _sequences(r, node)
    _require_usual(r, node, x)
    both = attributes.get("direction", "forward") == "bidirectional"
    units = attributes["hidden_size"]
    parameters = _parameters(r, node, units, both)
    fields: dict[str, Any] = {"units": units}
    if not node.input(3):
        fields["use_bias"] = False
    if both:
        fields["bidirectional"] = True
    if node.operator == "RNN" and {*attributes.get("activations", ["Tanh"])} == {"Relu"}:
        fields["activation"] = "relu"
    features = units * (1 + both)
    is_read = [bool(name) and r.graph.readers(name) > 0 for name in (*node.outputs, "", "")[:2]]
    if len(node.outputs) > 2 and node.outputs[2] and r.graph.readers(node.outputs[2]):
        raise UnsupportedError("its last cells are read")
    type_, first = OPERATORS[node.operator][0].type, None
    if is_read[0]:
        shape = (x.shape[0], features)
        first = r.network.add(
            type_, [x], shape, [node.name], parameters, **fields, return_sequences=True
        )
        r.values[node.outputs[0]] = Value(first.source, shape, "tdnh")
    if is_read[1]:
        if first is not None:
            fields["weights_from"] = first.source
        arrays = None if first is not None else parameters
        layer = r.network.add(type_, [x], (features,), [node.name], arrays, **fields)
        r.values[node.outputs[1]] = Value(layer.source, (features,), "dnh")


def _sequences(r: Reader, node: Node) -> Value:
    x = r.viewed(node.inputs[0])
    if node.attributes.get("layout", 0) or x.view != "tnf":
        raise UnsupportedError("its sequences do not come from a Transpose of (n, time, features)")
    return Value(x.source, x.shape)


def _require_usual(r: Reader, node: Node, x: Value) -> None:
    attributes, time = node.attributes, x.shape[0]
    if attributes.get("direction", "forward") not in ("forward", "bidirectional"):
        raise UnsupportedError("it only reads backward")
    lengths = node.input(4)
    if lengths and not (r.graph.is_constant(lengths) and (r.graph.constant(lengths) == time).all()):
        raise UnsupportedError("it has lengths")
    for position in (5, 6, 7):
        name = node.input(position)
        if name and not (r.graph.is_constant(name) and not r.graph.constant(name).any()):
            raise UnsupportedError("it starts from states other than 0, or has peepholes")
    if attributes.get("clip") or attributes.get("input_forget"):
        raise UnsupportedError("it has clip or input_forget")
    if node.operator == "GRU" and not attributes.get("linear_before_reset"):
        raise UnsupportedError("it resets before the product (linear_before_reset = 0)")
    usual = {
        "LSTM": ({"Sigmoid", "Tanh"},),
        "GRU": ({"Sigmoid", "Tanh"},),
        "RNN": ({"Tanh"}, {"Relu"}),
    }
    if "activations" in attributes and {*attributes["activations"]} not in usual[node.operator]:
        raise UnsupportedError(f"it has the activations {', '.join(attributes['activations'])}")


def _parameters(r: Reader, node: Node, units: int, both: bool) -> dict[str, Array]:
    weights, recurrent_weights = (r.graph.constant(node.input(at)) for at in (1, 2))
    biases = r.graph.constant(node.input(3)) if node.input(3) else None

    def ordered(array: Array) -> Array:
        return ordered_gates(array, node.operator, units)

    parameters = {}
    for at, prefix in enumerate(("", "backward_")[: 1 + both]):
        parameters[f"{prefix}weights"] = ordered(weights[at]).T
        parameters[f"{prefix}recurrent_weights"] = ordered(recurrent_weights[at]).T
        if biases is None:
            continue
        of_input, of_state = (ordered(half) for half in np.split(biases[at], 2))
        if node.operator == "GRU":
            parameters[f"{prefix}candidate_biases"] = of_state[2 * units :].copy()
            of_state[2 * units :] = 0
        parameters[f"{prefix}biases"] = of_input + of_state
    return parameters


def transpose(r: Reader, node: Node) -> None:
    """Note another order of axes, which a recurrent layer may want."""
    x = r.viewed(node.inputs[0])
    rank = r.graph.values[node.inputs[0]].ndim
    order = node.attributes.get("perm") or [*range(rank)][::-1]
    view = x.view or ("ntf" if rank == 3 else "")
    if not view:
        raise UnsupportedError(f"it reorders the axes of samples {x.shape}")
    reordered = "".join(view[axis] for axis in order)
    if reordered not in ("ntf", "tnf", "tndh", "ntdh", "ndh", "tdnh", "dnh"):
        raise UnsupportedError(f"it reorders the axes of samples {x.shape}")
    r.values[node.outputs[0]] = Value(x.source, x.shape, "" if reordered == "ntf" else reordered)
    if not x.source.startswith("input"):
        r.network.note(x.source, node.name)


def squeeze_view(r: Reader, node: Node) -> Value:
    """Return a view without the axis of its only direction."""
    x = r.values[node.inputs[0]]
    before, after = (r.graph.values[name].shape for name in (node.inputs[0], node.outputs[0]))
    at = x.view.find("d")
    if at < 0 or before[at] != 1 or (*before[:at], *before[at + 1 :]) != after:
        raise UnsupportedError("it drops another axis than the only direction's")
    squeezed = x.view.replace("d", "").replace("h", "f")
    r.network.note(x.source, node.name)
    return Value(x.source, x.shape, "" if squeezed in ("ntf", "nf") else squeezed)


def view_rows(r: Reader, node: Node) -> Value:
    """Return a view whose directions are joined."""
    x = r.values[node.inputs[0]]
    before, after = (r.graph.values[name].shape for name in (node.inputs[0], node.outputs[0]))
    if not x.view.endswith("dh") or after != (*before[:-2], before[-2] * before[-1]):
        raise UnsupportedError(f"it reshapes an order of axes that no layer has ({x.view})")
    joined = x.view[:-2] + "f"
    r.network.note(x.source, node.name)
    return Value(x.source, x.shape, "" if joined in ("ntf", "nf") else joined)


def gather(r: Reader, node: Node) -> None:
    """Recognize the last step of sequences, or the only direction of a last state."""
    x, axis = r.viewed(node.inputs[0]), node.attributes.get("axis", 0)
    if not r.graph.is_constant(node.inputs[1]) or r.graph.constant(node.inputs[1]).ndim:
        raise UnsupportedError("it gathers several items")
    size = r.graph.values[node.inputs[0]].shape[axis]
    is_last = int(r.graph.constant(node.inputs[1])) % size == size - 1
    view = x.view or "ntf"[: r.graph.values[node.inputs[0]].ndim]
    if view == "dnh" and axis == 0 and size == 1:
        r.values[node.outputs[0]] = Value(x.source, x.shape)
        r.network.note(x.source, node.name)
    elif view[axis] == "t" and view in ("ntf", "tnf") and is_last:
        plain = Value(x.source, x.shape)
        r.values[node.outputs[0]] = r.network.add("last_step", [plain], x.shape[1:], [node.name])
    else:
        raise UnsupportedError(f"it gathers item {int(r.graph.constant(node.inputs[1]))}")
