"""Whether the data's y fits the model's output under the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from declnet.components.arrays import Shape
from declnet.components.data_source import DataInfo
from declnet.components.loss import Loss
from declnet.errors import Diagnostic, KeyPath
from declnet.graph.nodes import Node
from declnet.spec.parts import Parts


def target_problems(
    parts: Parts, infos: Mapping[str, DataInfo], nodes: Sequence[Node | None]
) -> list[Diagnostic]:
    """The first data set whose y does not fit.

    Another number of units than y asks for is told at the layer that decides it, y of another sort
    at the loss.
    """
    last = nodes[-1] if nodes else None
    if last is None or parts.loss is None:
        return []
    for name, info in infos.items():
        if parts.loss.targets == "classes":
            problem = _of_classes(parts.loss, name, info, nodes, last.output_shape)
        else:
            problem = _of_values(name, info, nodes, last.output_shape)
        if problem is not None:
            return [problem]
    return []


def _of_classes(
    loss: Loss, name: str, info: DataInfo, nodes: Sequence[Node | None], output: Shape
) -> Diagnostic | None:
    of = f"data.{name}"
    if len(output) != 1:
        message = f"{loss.type} needs a last layer of shape (classes,), not {output}"
        return Diagnostic(message, None, ("model", "layers", len(nodes) - 1), "E041")
    if info.target == "values" and (len(info.target_shape) != 1 or info.target_shape == (1,)):
        message = f"{loss.type} needs labels, integers or one-hot, but y holds numbers ({of})"
        hint = "choose a loss for numbers, or store the labels as integers"
        return Diagnostic(message, hint, ("loss",), "E041")
    one_hot = info.target_shape[0] if info.target == "values" else None
    classes = info.classes if one_hot is None else one_hot
    (units,) = output
    if classes is None or (classes < units and one_hot is None) or classes == units:
        return None
    hint = f"use {classes} units, one for each class"
    labels = f"one-hot labels of {classes} classes"
    if one_hot is None:
        labels = f"the labels, which have {classes} classes"
        if info.labels is not None and info.labels[0] > 0:
            labels = f"the labels, which go from {info.labels[0]} to {info.labels[1]}"
            hint = "number the classes 0, 1, 2, …"
    does = "units do" if units != 1 else "unit does"
    return Diagnostic(f"{units} {does} not fit {labels} ({of})", hint, _units(nodes), "E040")


def _of_values(
    name: str, info: DataInfo, nodes: Sequence[Node | None], output: Shape
) -> Diagnostic | None:
    if info.target_shape == output or (info.target_shape == () and prod(output) == 1):
        return None
    y = f"shape {info.target_shape}" if info.target_shape else "one number a sample"
    message = f"the model's output has shape {output}, but y has {y} (data.{name})"
    hint = None
    if len(output) == 1 and len(info.target_shape) < 2:
        units = prod(info.target_shape)
        hint = f"use {units} unit{'s' if units != 1 else ''}, one for each number"
    return Diagnostic(message, hint, _units(nodes), "E041")


def _units(nodes: Sequence[Node | None]) -> KeyPath:
    """Where the shape of the output comes from: the last layer that changes it, or its units."""
    index = len(nodes) - 1
    node = nodes[index]
    while index > 0 and node is not None and not _has_units(node):
        if node.input_shapes != (node.output_shape,) or node.inputs[0] == 0:
            break
        index = node.inputs[0] - 1
        node = nodes[index]
    path: KeyPath = ("model", "layers", index)
    return (*path, "units") if _has_units(node) else path


def _has_units(node: Node | None) -> bool:
    return node is not None and "units" in type(node.layer).model_fields
