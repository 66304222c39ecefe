"""Infers the shape of every value of the DAG, before anything is allocated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from declnet.components.arrays import Shape
from declnet.components.layer import Layer
from declnet.components.parameter import Buffer, Parameter
from declnet.components.state import RESERVED
from declnet.errors import Problem, SpecError
from declnet.graph.wiring import Wire, wire


@dataclass(frozen=True)
class Node:
    """A layer with all that the graph needs to know of it.

    Attributes:
        inputs: values by index: 0 is the model's input, i + 1 the output of node i.
    """

    index: int
    name: str
    layer: Layer
    inputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    parameters: dict[str, Parameter]
    buffers: dict[str, Buffer]

    @property
    def joins_inputs(self) -> bool:
        """Whether it takes tuples of arrays rather than one."""
        return self.layer.n_inputs != 1

    @property
    def parameter_count(self) -> int:
        """Numbers in its parameters, trainable or not."""
        return sum(prod(parameter.shape) for parameter in self.parameters.values())


def infer_nodes(layers: Sequence[Layer], input_shape: Shape) -> tuple[Node, ...]:
    """Wires the layers and infers all shapes.

    Args:
        layers: in topological order.
        input_shape: the shape of one sample.

    Raises:
        SpecError: with each fault at its layer; a layer below a faulty one is not blamed.
    """
    wires, problems = wire(layers)
    if problems:
        raise SpecError(problems)
    shapes: list[Shape | None] = [tuple(input_shape)]
    nodes = []
    for index, (layer, place) in enumerate(zip(layers, wires, strict=True)):
        input_shapes = tuple(shapes[value] for value in place.inputs)
        node = None
        if all(shape is not None for shape in input_shapes):
            try:
                node = _node(index, layer, place, input_shapes)  # type: ignore[arg-type]
            except ValueError as error:
                message = f'"{place.name}": {error}'
                problems.append(Problem(("model", "layers", index), message))
        shapes.append(node.output_shape if node is not None else None)
        if node is not None:
            nodes.append(node)
    problems += _wrong_integers(nodes)
    if problems:
        raise SpecError(problems)
    return tuple(nodes)


def _wrong_integers(nodes: Sequence[Node]) -> list[Problem]:
    """Layers that take integers must read the model's input, and then all its readers must."""
    readers = [node for node in nodes if 0 in node.inputs]
    mixed = len({node.layer.input_dtype for node in readers}) > 1
    problems = []
    for node in nodes:
        if node.layer.input_dtype != "integer":
            continue
        path = ("model", "layers", node.index)
        if any(node.inputs):
            message = f'"{node.name}" takes integers, so it must read the model\'s input'
            problems.append(Problem(path, message))
        elif mixed:
            others = ", ".join(each.name for each in readers if each.layer.input_dtype == "float")
            message = f'"{node.name}" takes the input as integers, but {others} as floats'
            problems.append(Problem(path, message))
    return problems


def _node(index: int, layer: Layer, place: Wire, input_shapes: tuple[Shape, ...]) -> Node:
    given: Any = input_shapes if layer.n_inputs != 1 else input_shapes[0]
    output_shape = tuple(layer.output_shape(given))
    if not all(isinstance(size, int) and size >= 1 for size in output_shape):
        raise ValueError(f"{layer.type} gives the shape {output_shape}; sizes must be at least 1")
    parameters, buffers = layer.parameters(given), layer.buffers(given)
    for name in (*parameters, *buffers):
        if name in RESERVED or (name in parameters and name in buffers):
            raise ValueError(f"{layer.type} cannot call a parameter or buffer {name}: it is taken")
    for name, parameter in parameters.items():
        if parameter.regularizer is not None and not parameter.trainable:
            raise ValueError(f"{layer.type}.{name} is not trainable and takes no regularizer")
    return Node(
        index, place.name, layer, place.inputs, input_shapes, output_shape, parameters, buffers
    )
