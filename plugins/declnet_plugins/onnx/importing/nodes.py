"""The recognition of each operator as a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.exchange import UnsupportedError
from declnet_plugins.onnx.importing.graph import Node
from declnet_plugins.onnx.importing.network import Value
from declnet_plugins.onnx.importing.reading import Reader
from declnet_plugins.onnx.importing.recurrent import (
    gather,
    recurrent,
    squeeze_view,
    transpose,
    view_rows,
)
from declnet_plugins.standard.layers.window import window_over


def _constant(r: Reader, node: Node, position: int) -> Array:
    name = node.input(position)
    if not name or not r.graph.is_constant(name):
        raise UnsupportedError(f"its input {position + 1} is not a constant")
    return r.graph.constant(name)


def _given(r: Reader, node: Node, position: int, default: Array) -> Array:
    return _constant(r, node, position) if node.input(position) else default


def _gemm(r: Reader, node: Node) -> None:
    x, biases = r.value(node.inputs[0]), _constant(r, node, 2) if node.input(2) else None
    _dense(r, node, x, *gemm(node.attributes, _constant(r, node, 1), biases))


def gemm(
    attributes: Mapping[str, Any], weights: Array, biases: Array | None
) -> tuple[Array, Array | None]:
    """Return the weights (features, units) and biases of a Gemm with these inputs."""
    if attributes.get("transA"):
        raise UnsupportedError("it transposes its first input")
    scaled = weights * attributes.get("alpha", 1.0)
    added = None if biases is None else biases * attributes.get("beta", 1.0)
    return scaled.T if attributes.get("transB") else scaled, added


def _matmul(r: Reader, node: Node) -> None:
    x, weights = r.value(node.inputs[0]), _constant(r, node, 1)
    if weights.ndim != 2 or len(x.shape) not in (1, 2):
        raise UnsupportedError(f"it multiplies {x.shape} by {weights.shape}")
    _dense(r, node, x, weights, None)
    r.open_biases.add(node.outputs[0])


def _dense(r: Reader, node: Node, x: Value, weights: Array, biases: Array | None) -> None:
    units, parameters, fields = weights.shape[1], {"weights": weights}, dict[str, Any]()
    if biases is None:
        fields["use_bias"] = False
    elif biases.size not in (1, units):
        raise UnsupportedError(f"its biases have the shape {biases.shape}")
    else:
        parameters["biases"] = np.broadcast_to(biases.reshape(-1), (units,))
    r.add(node, "dense", x, (*x.shape[:-1], units), parameters, units=units, **fields)


def _reshape(r: Reader, node: Node) -> None:
    name, output = node.inputs[0], node.outputs[0]
    if name in r.values and r.values[name].view:
        r.values[output] = view_rows(r, node)
        return
    x, before, after = r.value(name), r.graph.values[name], r.graph.values[output]
    if after.shape[:1] != before.shape[:1]:
        raise UnsupportedError("it changes the batch axis")
    r.values[output] = _reshaped(r, node, x, after.shape[1:])


def _reshaped(r: Reader, node: Node, x: Value, shape: tuple[int, ...]) -> Value:
    if shape == x.shape or (shape == () and x.shape == (1,)):
        if not x.source.startswith("input"):
            r.network.note(x.source, node.name)
        return x
    if len(shape) == 1:
        return r.network.add("flatten", [x], shape, [node.name])
    return r.network.add("reshape", [x], shape, [node.name], shape=list(shape))


def _squeeze(r: Reader, node: Node) -> None:
    name = node.inputs[0]
    if name in r.values and r.values[name].view:
        r.values[node.outputs[0]] = squeeze_view(r, node)
    else:
        _reshape(r, node)


def _softmax(r: Reader, node: Node) -> None:
    x = r.value(node.inputs[0])
    axis = node.attributes.get("axis", -1)
    if axis not in (-1, len(x.shape)) or len(x.shape) not in (1, 2):
        raise UnsupportedError(f"it is over axis {axis} of samples {x.shape}")
    r.add(node, "softmax", x)


def _prelu(r: Reader, node: Node) -> None:
    x, slopes = r.value(node.inputs[0]), _constant(r, node, 1).reshape(-1)
    if slopes.size not in (1, x.shape[0]):
        raise UnsupportedError(f"it has {slopes.size} slopes for samples {x.shape}")
    fields = {"shared": True} if slopes.size == 1 else {}
    r.add(node, "prelu", x, None, {"slopes": slopes}, **fields)


def _window(node: Node, x: Value, kernel: tuple[int, ...]) -> dict[str, Any]:
    """Return stride, padding and dilation of a window as fields, where they are not 1 and 0.

    A window over sequences is one over images of height 1.
    """
    attributes, flat = node.attributes, len(kernel) == 1
    fields: dict[str, Any] = {}
    for name, key, usual in (
        ("strides", "stride", 1), ("dilations", "dilation", 1),
        ("output_padding", "output_padding", 0),
    ):  # fmt: skip
        sizes = [*[usual] * flat, *attributes.get(name, [usual] * len(kernel))]
        if sizes != [usual, usual]:
            fields[key] = sizes
    stride, dilation = (tuple(fields.get(key, (1, 1))) for key in ("stride", "dilation"))
    auto = attributes.get("auto_pad", "NOTSET")
    pads = tuple(attributes.get("pads", (0,) * 2 * len(kernel))) if auto != "VALID" else (0,) * 4
    pads = (0, pads[0], 0, pads[1]) if flat else pads
    if attributes.get("ceil_mode"):
        raise UnsupportedError("it rounds sizes up")
    if auto in ("NOTSET", "VALID") and pads[:2] == pads[2:]:
        return fields | ({"padding": list(pads[:2])} if any(pads) else {})
    if node.operator != "ConvTranspose":
        same = window_over("", x.shape, (*[1] * flat, *kernel), stride, "same", dilation)
        expected = (same.rows.before, same.columns.before, same.rows.after, same.columns.after)
        if auto == "SAME_UPPER" or (auto == "NOTSET" and pads == expected):
            return fields | {"padding": "same"}
    raise UnsupportedError(f"its padding {list(pads)} differs between the sides")


def _convolution(r: Reader, node: Node) -> None:
    x, weights = r.value(node.inputs[0]), _constant(r, node, 1)
    is_transposed, is_sequence = node.operator == "ConvTranspose", weights.ndim == 3
    if weights.ndim != 4 and (is_transposed or not is_sequence):
        what = "is not of images" if is_transposed else f"has {weights.ndim - 2} axes"
        raise UnsupportedError(f"it {what}")
    kernel, shape = weights.shape[2:], r.graph.shape(node.outputs[0])
    if is_sequence:  # images of height 1
        weights, image = weights[:, :, None], [x.shape[0], 1, x.shape[1]]
        x = r.network.add("reshape", [x], tuple(image), [], shape=image)
    group, parameters = node.attributes.get("group", 1), {"weights": weights}
    filters = weights.shape[1] * group if is_transposed else weights.shape[0]
    fields = {"filters": filters, "kernel_size": list(weights.shape[2:])}
    fields |= _window(node, x, kernel) | ({"groups": group} if group != 1 else {})
    if node.input(2):
        parameters["biases"] = _constant(r, node, 2)
    else:
        fields["use_bias"] = False
    type_ = "conv2d_transpose" if is_transposed else "conv2d"
    size = (1, *shape[1:]) if is_sequence else shape[1:]
    convolved = r.network.add(type_, [x], (shape[0], *size), [node.name], parameters, **fields)
    if is_sequence:
        convolved = r.network.add("reshape", [convolved], shape, [], shape=list(shape))
    r.values[node.outputs[0]] = convolved


def _pool(r: Reader, node: Node) -> None:
    x, attributes = r.value(node.inputs[0]), node.attributes
    kernel = tuple(attributes["kernel_shape"])
    if len(kernel) != 2 or len(node.outputs) > 1:
        raise UnsupportedError("it is not of images, or it gives positions")
    fields = {"stride": [1, 1]} | _window(node, x, kernel)
    if "dilation" in fields:
        raise UnsupportedError("it has a dilation")
    if fields["stride"] == list(kernel):
        del fields["stride"]
    is_mean = node.operator == "AveragePool"
    if is_mean and "padding" in fields and not attributes.get("count_include_pad"):
        raise UnsupportedError("padding does not count in its means")
    type_ = "average_pool2d" if is_mean else "max_pool2d"
    r.add(node, type_, x, r.graph.shape(node.outputs[0]), pool_size=list(kernel), **fields)


def _global(kind: str) -> Callable[[Reader, Node], None]:
    def read(r: Reader, node: Node) -> None:
        x, output = r.value(node.inputs[0]), node.outputs[0]
        shape = r.graph.shape(output)
        if len(x.shape) == 3:
            pooled = r.network.add(f"global_{kind}_pool2d", [x], x.shape[:1], [node.name])
        elif len(x.shape) == 2 and r.graph.values[output].shape[1:] == x.shape[1:]:
            type_ = "mean_over_time" if kind == "average" else "max_over_time"
            pooled = r.network.add(type_, [x], x.shape[1:], [node.name])
        else:
            raise UnsupportedError(f"it is over samples {x.shape}")
        readers = [reader.operator for reader in r.graph.nodes_reading(output)]
        flattens = all(reader in ("Flatten", "Squeeze", "Reshape") for reader in readers)
        if pooled.shape != shape and not (readers and flattens):
            pooled = r.network.add("reshape", [pooled], shape, [], shape=list(shape))
        r.values[output] = pooled

    return read


def _reduced(kind: str) -> Callable[[Reader, Node], None]:
    def read(r: Reader, node: Node) -> None:
        x, attributes = r.value(node.inputs[0]), node.attributes
        axes = attributes.get("axes")
        if axes is None:
            axes = _given(r, node, 1, np.array([])).tolist()
        places = sorted(int(axis) % (len(x.shape) + 1) for axis in axes)
        if places not in ([2, 3], [1]) or (places == [1]) != (len(x.shape) == 2):
            raise UnsupportedError(f"it is over the axes {places} of samples {x.shape}")
        if places == [1] and attributes.get("keepdims", 1):
            raise UnsupportedError("it keeps the axis of time")
        _global(kind)(r, node)

    return read


def _batch_norm(r: Reader, node: Node) -> None:
    names = ("scale", "offset", "running_mean", "running_variance")
    parameters = {name: _constant(r, node, at) for at, name in enumerate(names, 1)}
    fields = {"epsilon": _epsilon(node), "momentum": _rounded(node.attributes.get("momentum", 0.9))}
    r.add(node, "batch_norm", r.value(node.inputs[0]), None, parameters, **fields)


def _layer_norm(r: Reader, node: Node) -> None:
    x, axis = r.value(node.inputs[0]), node.attributes.get("axis", -1)
    axes = -axis if axis < 0 else len(x.shape) + 1 - axis
    shape = x.shape[len(x.shape) - axes :]
    scale = np.broadcast_to(_constant(r, node, 1), shape)
    offset = np.broadcast_to(_given(r, node, 2, np.zeros(1)), shape)
    parameters = {"scale": scale, "offset": offset}
    r.add(node, "layer_norm", x, None, parameters, axes=axes, epsilon=_epsilon(node))


def _group_norm(r: Reader, node: Node) -> None:
    x, scale, offset = r.value(node.inputs[0]), _constant(r, node, 1), _constant(r, node, 2)
    if scale.size != x.shape[0]:
        raise UnsupportedError("its scale is not for each channel")
    parameters = {"scale": scale.reshape(-1), "offset": offset.reshape(-1)}
    groups = node.attributes.get("num_groups", x.shape[0])  # InstanceNormalization: each channel
    r.add(node, "group_norm", x, None, parameters, groups=groups, epsilon=_epsilon(node))


def _lp_norm(r: Reader, node: Node) -> None:
    x, attributes = r.value(node.inputs[0]), node.attributes
    if attributes.get("p", 2) != 2 or attributes.get("axis", -1) not in (-1, len(x.shape)):
        raise UnsupportedError("it is not the Euclidean norm of the last axis")
    scale = np.full(x.shape[-1:], x.shape[-1] ** -0.5)
    r.add(node, "rms_norm", x, None, {"scale": scale}, epsilon=1e-30)


def _epsilon(node: Node) -> float:
    return _rounded(node.attributes.get("epsilon", 1e-5))


def _rounded(number: float) -> float:
    """Return what the author of a float32 number wrote."""
    return float(np.format_float_positional(np.float32(number), unique=True))


def _joined(r: Reader, node: Node) -> None:
    parts = [r.value(name) for name in node.inputs]
    rank = len(parts[0].shape) + 1
    axis = node.attributes["axis"] % rank
    if axis == 0:
        raise UnsupportedError("it joins batches")
    fields = {"axis": axis - 1} if axis > 1 else {}
    r.add(node, "concatenate", parts, r.graph.shape(node.outputs[0]), **fields)


def _sum(r: Reader, node: Node) -> None:
    parts = [r.value(name) for name in node.inputs]
    if any(part.shape != parts[0].shape for part in parts):
        raise UnsupportedError("its inputs have different shapes")
    r.add(node, "add", parts)


def _gather(r: Reader, node: Node) -> None:
    if not r.graph.is_constant(node.inputs[0]):
        gather(r, node)
        return
    weights, x = r.graph.constant(node.inputs[0]), r.value(node.inputs[1])
    if weights.ndim != 2 or node.attributes.get("axis", 0) != 0:
        raise UnsupportedError(f"it gathers from {weights.shape}")
    categories, units = weights.shape
    fields = {"categories": categories, "units": units}
    r.add(node, "embedding", x, (*x.shape, units), {"weights": weights}, **fields)


HANDLERS: dict[str, Callable[[Reader, Node], None]] = {
    "AveragePool": _pool,
    "BatchNormalization": _batch_norm,
    "Concat": _joined,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Flatten": _reshape,
    "GRU": recurrent,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global("average"),
    "GlobalMaxPool": _global("max"),
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _group_norm,
    "LSTM": recurrent,
    "LayerNormalization": _layer_norm,
    "LpNormalization": _lp_norm,
    "MatMul": _matmul,
    "MaxPool": _pool,
    "PRelu": _prelu,
    "RNN": recurrent,
    "ReduceMax": _reduced("max"),
    "ReduceMean": _reduced("average"),
    "Reshape": _reshape,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sum": _sum,
    "Transpose": transpose,
    "Unsqueeze": _reshape,
}
"""What reads the nodes of each operator."""
