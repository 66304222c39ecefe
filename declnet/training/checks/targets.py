"""Whether the data's y fits the model's output under the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from declnet.components.arrays import Shape
from declnet.components.data_source import DataInfo
from declnet.components.layer import Layer
from declnet.components.loss import Loss
from declnet.errors import Problem
from declnet.graph.nodes import Node
from declnet.spec.parts import Parts


def target_problems(
    parts: Parts, infos: Mapping[str, DataInfo], nodes: Sequence[Node | None]
) -> list[Problem]:
    """The first data set whose y does not fit, told at the last layer that has units."""
    last = nodes[-1] if nodes else None
    if last is None or parts.loss is None:
        return []
    for name, info in infos.items():
        fault = _misfit(parts.loss, info, last.output_shape)
        if fault is not None:
            code, message = fault
            index = _layer_with_units(nodes)
            path = ("model", "layers", index)
            layer: Layer | None = parts.layers[index].layer
            if layer is not None and "units" in type(layer).model_fields and code == "E040":
                path = (*path, "units")  # type: ignore[assignment]
            return [Problem(path, f"{message} (data.{name})", None, code)]
    return []


def _layer_with_units(nodes: Sequence[Node | None]) -> int:
    """Where the shape of the output comes from: the last layer that changes it."""
    index = len(nodes) - 1
    while index > 0:
        node = nodes[index]
        if node is None or node.input_shapes != (node.output_shape,) or node.inputs[0] == 0:
            return index
        index = node.inputs[0] - 1
    return index


def _misfit(loss: Loss, info: DataInfo, output_shape: Shape) -> tuple[str, str] | None:
    """Why a data set's y does not fit the model's output under that loss, or None."""
    if loss.targets == "classes":
        if len(output_shape) != 1:
            message = f"{loss.type} needs a last layer of shape (classes,), not {output_shape}"
            return "E041", message
        if info.target == "values" and (len(info.target_shape) != 1 or info.target_shape == (1,)):
            return "E041", f"{loss.type} needs labels, integers or one-hot, but y holds numbers"
        one_hot = info.target_shape[0] if info.target == "values" else None
        classes = info.classes if one_hot is None else one_hot
        units = f"{output_shape[0]} unit{'s do' if output_shape[0] != 1 else ' does'} not fit"
        if classes is not None and classes > output_shape[0]:
            return "E040", f"{units} the labels, which have {classes} classes"
        if one_hot is not None and one_hot != output_shape[0]:
            return "E040", f"{units} one-hot labels of {one_hot} classes"
        return None
    fits = info.target_shape == output_shape or (
        info.target_shape == () and prod(output_shape) == 1
    )
    message = f"the model's output has shape {output_shape}, y has {info.target_shape}"
    return None if fits else ("E041", message)
