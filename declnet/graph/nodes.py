"""Infers the shape of every value of the DAG, before anything is allocated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from declnet.components.arrays import Shape
from declnet.components.attribution import broken_contract
from declnet.components.layer import Layer
from declnet.components.parameter import Parameter, Workspace
from declnet.components.returned import (
    BrokenContractError,
    checked_parameters,
    checked_shape,
    checked_workspace,
)
from declnet.errors import Diagnostic, SpecError
from declnet.graph.wiring import wire
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.spec.messages import from_here


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
    workspace: dict[str, Workspace]

    @property
    def takes_many_inputs(self) -> bool:
        """Whether it takes tuples of arrays rather than one."""
        return self.layer.n_inputs != 1

    @property
    def parameter_count(self) -> int:
        """Numbers in its parameters, trainable or not."""
        return sum(prod(parameter.shape) for parameter in self.parameters.values())


@dataclass(frozen=True)
class Inferred:
    """What is known of a model from its declaration.

    Attributes:
        nodes: a node for each layer; None where it is not known.
        problems: every fault, each at its layer; a layer below a faulty one is not blamed.
    """

    nodes: tuple[Node | None, ...]
    problems: tuple[Diagnostic, ...]

    @property
    def complete(self) -> tuple[Node, ...]:
        """All nodes, or none if one is not known or anything is wrong."""
        known = tuple(node for node in self.nodes if node is not None)
        return known if len(known) == len(self.nodes) and not self.problems else ()


def infer_nodes(
    layers: Sequence[Layer], input_shape: Shape, registry: Registry | None = None
) -> tuple[Node, ...]:
    """Wire the layers and infer all shapes.

    Args:
        layers: in topological order.
        input_shape: the shape of one sample.
        registry: names the distribution of a broken component; default: all installed plugins.

    Raises:
        SpecError: with each fault at its layer.
    """
    inferred = infer(layers, input_shape, registry=registry)
    if inferred.problems:
        raise SpecError(inferred.problems)
    return inferred.complete


def infer(
    layers: Sequence[Layer | None],
    input_shape: Shape | None,
    names: Sequence[str | None] | None = None,
    types: Sequence[str | None] | None = None,
    *,
    registry: Registry | None = None,
) -> Inferred:
    """Infers as much as can be known.

    Args:
        layers: in topological order; None stands for one that could not be read.
        input_shape: the shape of one sample; None if it is not known.
        names: of the layers that could not be read, where they have one.
        types: theirs, where they are known.
        registry: names the distribution of a broken component; default: all installed plugins.
    """
    wires, problems = wire(layers, names, types)
    shapes: list[Shape | None] = [None if input_shape is None else tuple(input_shape)]
    nodes: list[Node | None] = []
    for index, (layer, place) in enumerate(zip(layers, wires, strict=True)):
        node = None
        known = [shapes[value] for value in place.inputs or ()]
        input_shapes = tuple(shape for shape in known if shape is not None)
        if layer is not None and place.inputs is not None and len(input_shapes) == len(known):
            try:
                node = _node(index, layer, place.name, place.inputs, input_shapes)
            except BrokenContractError as error:
                fault = broken_contract(error, registry or default_registry())
                message = from_here(f'"{place.name}": {fault}')
                hint = "the layer's plugin is at fault: declnet plugins check tells more"
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E025"))
            except ValueError as error:
                message = f'"{place.name}": {error}'
                hint = _shapes_before(place.inputs, nodes, shapes)
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E022"))
        shapes.append(node.output_shape if node is not None else None)
        nodes.append(node)
    problems += _wrong_integers([node for node in nodes if node is not None])
    return Inferred(tuple(nodes), tuple(problems))


def _shapes_before(
    inputs: tuple[int, ...], nodes: Sequence[Node | None], shapes: Sequence[Shape | None]
) -> str:
    """The way of the shapes to a layer's first input, at most the last four."""
    steps: list[str] = []
    value = inputs[0]
    while value > 0 and len(steps) < 4:
        node = nodes[value - 1]
        if node is None:
            break
        steps.append(f"{node.name} {node.output_shape}")
        value = node.inputs[0]
    steps.append(f"input {shapes[0]}" if value == 0 else "…")
    return f"the shapes before it: {' → '.join(reversed(steps))}"


def _wrong_integers(nodes: Sequence[Node]) -> list[Diagnostic]:
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
            hint = 'put it first, or name the input: inputs = ["input"]'
            problems.append(Diagnostic(message, hint, path, "E024"))
        elif mixed:
            others = ", ".join(each.name for each in readers if each.layer.input_dtype == "float")
            message = f'"{node.name}" takes the input as integers, but {others} as floats'
            problems.append(Diagnostic(message, None, path, "E024"))
    return problems


def _node(
    index: int,
    layer: Layer,
    label: str,
    inputs: tuple[int, ...],
    input_shapes: tuple[Shape, ...],
) -> Node:
    given: Any = input_shapes if layer.n_inputs != 1 else input_shapes[0]
    output_shape = checked_shape(layer, layer.output_shape(given))
    parameters = checked_parameters(layer, layer.parameters(given))
    workspace = checked_workspace(layer, layer.workspace(given), parameters)
    return Node(index, label, layer, inputs, input_shapes, output_shape, parameters, workspace)
