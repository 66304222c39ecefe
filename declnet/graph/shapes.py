"""Names, inputs and shapes of all layers, inferred before anything is allocated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from declnet.contracts.arrays import Shape
from declnet.contracts.attribution import broken_contract
from declnet.contracts.layer import Layer, TrainableFrom
from declnet.contracts.parameter import Initializer, Parameter, Regularizer, Workspace
from declnet.contracts.returned import (
    BrokenContractError,
    checked_parameters,
    checked_shape,
    checked_workspace,
)
from declnet.errors import Diagnostic, SpecError
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion
from declnet.spec.messages import from_here
from declnet.spec.partial import LayerPart

INPUT = "input"


@dataclass(frozen=True)
class Wire:
    """A layer and its connections.

    Attributes:
        name: as written, or its type and a counter.
        inputs: values by index: 0 is the model's input, i + 1 the output of layer i; None if they
            are invalid.
    """

    name: str
    inputs: tuple[int, ...] | None


def parts_of(layers: Iterable[Layer]) -> list[LayerPart]:
    """Return layers that are all valid as the parts of a spec."""
    return [
        LayerPart(layer, layer.name, layer.type, str(position))
        for position, layer in enumerate(layers)
    ]


def wire(parts: Sequence[LayerPart]) -> tuple[list[Wire], list[Diagnostic]]:
    """Name every layer and resolve its inputs; the errors are returned second.

    Args:
        parts: the layers in topological order, including those that could not be read.
    """
    problems: list[Diagnostic] = []
    names = _names(parts)
    value_of = {INPUT: 0}
    wires = []
    for index, (part, name) in enumerate(zip(parts, names, strict=True)):
        inputs, found = _inputs(index, part, value_of, names)
        if name in value_of:
            hint = (
                "it refers to the model's input; rename the layer"
                if name == INPUT
                else f"layer {parts[value_of[name] - 1].position} has it; rename one of the two"
            )
            where = ("model", "layers", index, "name")
            problems.append(Diagnostic(f'the name "{name}" is taken', hint, where, "E019"))
        problems += found
        value_of[name] = index + 1
        wires.append(Wire(name, inputs))
    if not problems and all(part.layer is not None for part in parts):
        problems += _unused(wires)
    return wires, problems


def _inputs(
    index: int, part: LayerPart, value_of: dict[str, int], names: Sequence[str]
) -> tuple[tuple[int, ...] | None, list[Diagnostic]]:
    path, layer = ("model", "layers", index), part.layer
    if layer is None:
        return None, []
    if layer.inputs is None:
        inputs, problems = [index], []
    else:
        inputs = [value_of[source] for source in layer.inputs if source in value_of]
        problems = [
            Diagnostic(
                _why_unknown(source, names[index:]),
                suggestion(source, [*value_of, *part.short_names], "earlier layers"),
                (*path, "inputs", position),
                "E020",
            )
            for position, source in enumerate(layer.inputs)
            if source not in value_of
        ]
    if not problems and layer.n_inputs not in (None, len(inputs)):
        plural = "s" if layer.n_inputs != 1 else ""
        message = f'"{names[index]}" takes {layer.n_inputs} input{plural}, not {len(inputs)}'
        at = (*path, "inputs") if layer.inputs is not None else path
        hint = "name them: inputs = [ … ]" if layer.inputs is None else "list as many as it takes"
        problems.append(Diagnostic(message, hint, at, "E021"))
    return (None if problems else tuple(inputs)), problems


def _names(parts: Sequence[LayerPart]) -> list[str]:
    count: Counter[str] = Counter()
    names = []
    for index, part in enumerate(parts):
        kind = part.layer.type if part.layer else part.type
        if kind is not None:
            count[kind] += 1
        names.append(part.name or (f"{kind}_{count[kind]}" if kind else f"layer {index}"))
    return names


def _why_unknown(source: str, not_above: Sequence[str], what: str = "inputs") -> str:
    if source == not_above[0]:
        return f'"{source}" is the layer itself'
    if source in not_above:
        earlier = "an earlier layer" if what == "weights" else "earlier layers"
        verb = "come from" if what == "weights" else "be"
        return f'"{source}" comes later; {what} must {verb} {earlier}'
    return f'there is no layer "{source}"'


def _unused(wires: Sequence[Wire]) -> list[Diagnostic]:
    used = {value for each in wires for value in each.inputs or ()} | {len(wires)}
    hint = "name it in the inputs of a later layer, or remove it"
    return [
        Diagnostic(
            f'nothing takes the output of "{each.name}"', hint, ("model", "layers", index), "E023"
        )
        for index, each in enumerate(wires)
        if index + 1 not in used
    ]


@dataclass(frozen=True)
class Node:
    """A layer with everything that the graph needs to know about it.

    Attributes:
        inputs: values by index: 0 is the model's input, i + 1 the output of node i.
        parameters: what the layer declares, whether or not it shares them.
        shared: the layer whose parameters it uses, by index; None for its own.
    """

    index: int
    name: str
    layer: Layer
    inputs: tuple[int, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    parameters: dict[str, Parameter]
    workspace: dict[str, Workspace]
    shared: int | None = None

    @property
    def owner(self) -> int:
        """The index of the layer that has its parameters: its own, unless they are shared."""
        return self.index if self.shared is None else self.shared

    @property
    def takes_many_inputs(self) -> bool:
        """Whether it takes tuples of arrays rather than single arrays."""
        return self.layer.n_inputs != 1

    @property
    def trained_from(self) -> int | None:
        """The first epoch that trains its parameters; None if it is always frozen."""
        trainable = self.layer.trainable
        if isinstance(trainable, TrainableFrom):
            return trainable.from_epoch
        return 0 if trainable else None

    @property
    def parameter_count(self) -> int:
        """The number of elements in its own parameters, trainable or not; shared ones are not."""
        if self.shared is not None:
            return 0
        return sum(prod(parameter.shape) for parameter in self.parameters.values())


def frozen_nodes(nodes: Sequence[Node], epoch: int | None = None) -> frozenset[int]:
    """Return the indices of the layers whose parameters are not trained in an epoch.

    Args:
        epoch: counted from 0; None for an epoch after all others.
    """
    starts = {node.index: nodes[node.owner].trained_from for node in nodes}
    return frozenset(
        index
        for index, start in starts.items()
        if start is None or (epoch is not None and start > epoch)
    )


@dataclass(frozen=True)
class Inferred:
    """What is known about a model from its declaration.

    Attributes:
        nodes: a node for each layer; None if unknown.
        problems: every error, located at its layer; follow-on errors are left out.
    """

    nodes: tuple[Node | None, ...]
    problems: tuple[Diagnostic, ...]

    @property
    def complete(self) -> tuple[Node, ...]:
        """All nodes, or none if one is unknown or there are errors."""
        known = tuple(node for node in self.nodes if node is not None)
        return known if len(known) == len(self.nodes) and not self.problems else ()


def infer_nodes(
    layers: Sequence[Layer], input_shape: Shape, registry: Registry | None = None
) -> tuple[Node, ...]:
    """Wire the layers and infer all shapes.

    Args:
        registry: names the distribution of a broken component; default: all installed plugins.

    Raises:
        SpecError: lists each error at its layer.
    """
    inferred = infer(parts_of(layers), input_shape, registry)
    if inferred.problems:
        raise SpecError(inferred.problems)
    return inferred.complete


def infer(
    parts: Sequence[LayerPart], input_shape: Shape | None, registry: Registry | None = None
) -> Inferred:
    """Infer as much as possible.

    Args:
        parts: the layers in topological order, including those that could not be read.
        input_shape: the shape of one sample; None if unknown.
        registry: names the distribution of a broken component; default: all installed plugins.
    """
    wires, problems = wire(parts)
    shapes: list[Shape | None] = [None if input_shape is None else tuple(input_shape)]
    nodes: list[Node | None] = []
    for index, (part, place) in enumerate(zip(parts, wires, strict=True)):
        node, layer = None, part.layer
        known = [shapes[value] for value in place.inputs or ()]
        input_shapes = tuple(shape for shape in known if shape is not None)
        if layer is not None and place.inputs is not None and len(input_shapes) == len(known):
            try:
                given: Any = input_shapes if layer.n_inputs != 1 else input_shapes[0]
                output_shape = checked_shape(layer, layer.output_shape(given))
                parameters = checked_parameters(layer, layer.parameters(given))
                workspace = checked_workspace(layer, layer.workspace(given), parameters)
                node = Node(
                    index,
                    place.name,
                    layer,
                    place.inputs,
                    input_shapes,
                    output_shape,
                    parameters,
                    workspace,
                )
            except BrokenContractError as error:
                fault = broken_contract(error, registry or default_registry())
                message = from_here(f'"{place.name}": {fault}')
                hint = "the layer's plugin is at fault: run declnet plugins check for details"
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E025"))
            except ValueError as error:
                message = f'"{place.name}": {error}'
                inputs = place.inputs
                if part.closes_residual and len(inputs) == 2:
                    block_input, output = input_shapes
                    inputs = inputs[::-1]
                    message = f"the block's output shape {output} differs from its input shape "
                    message += str(block_input)
                hint = _shapes_before(inputs, nodes, shapes)
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E022"))
        shapes.append(node.output_shape if node is not None else None)
        if node is not None and node.layer.weights_from is not None:
            node, found = _sharing(node, wires, nodes)
            problems += found
        nodes.append(node)
    problems += _wrong_integers([node for node in nodes if node is not None])
    return Inferred(tuple(nodes), tuple(problems))


def _sharing(
    node: Node, wires: Sequence[Wire], nodes: Sequence[Node | None]
) -> tuple[Node, list[Diagnostic]]:
    """Return a layer that uses the parameters of an earlier one, and why it cannot."""
    path, name = ("model", "layers", node.index), node.layer.weights_from
    names = [each.name for each in wires]
    if name not in names[: node.index]:
        message = _why_unknown(str(name), names[node.index :], "weights")
        hint = suggestion(str(name), names[: node.index], "earlier layers")
        return node, [Diagnostic(message, hint, (*path, "weights_from"), "E027")]
    source = nodes[names.index(name)]
    if source is None:
        return node, []
    source = nodes[source.owner]  # the first of several layers that share
    if source is None:
        return node, []
    found = [
        Diagnostic(message, hint, (*path, key), "E027")
        for key, message, hint in _why_not_shared(node, source)
    ]
    return replace(node, shared=source.index), found


def _why_not_shared(node: Node, source: Node) -> Iterator[tuple[str, str, str | None]]:
    """Yield the key, the message and a hint for each reason why parameters cannot be shared."""
    ours, theirs = type(node.layer), type(source.layer)
    if ours is not theirs:
        message = f'"{node.name}" is {_a(ours.type)} layer, "{source.name}" {_a(theirs.type)} layer'
        yield "weights_from", message, "layers that share weights have the same type"
        return
    if not node.parameters:
        yield "weights_from", f'"{source.name}" has no parameters to share', "remove it"
        return
    shapes = [
        {name: each.shape for name, each in layer.parameters.items()} for layer in (node, source)
    ]
    if shapes[0] != shapes[1]:
        needed, there = (
            ", ".join(f"{name} {shape}" for name, shape in each.items()) for each in shapes
        )
        message = f'"{node.name}" needs {needed}, but "{source.name}" has {there}'
        yield "weights_from", message, "give both inputs and outputs of the same shape"
    if node.layer.trainable is not True:
        message = f'"{node.name}" is trained exactly when "{source.name}" is, whose weights it uses'
        yield "trainable", message, f'set it for "{source.name}"'
    for name, field in ours.model_fields.items():
        value = getattr(node.layer, name)
        kept = getattr(source.layer, name), field.default
        if isinstance(value, Initializer | Regularizer) and value not in kept:
            message = f'{name} has no effect on the weights of "{source.name}"'
            yield name, message, f'set it for "{source.name}"'


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _shapes_before(
    inputs: tuple[int, ...], nodes: Sequence[Node | None], shapes: Sequence[Shape | None]
) -> str:
    """Return the chain of shapes up to a layer's first input, at most the last four."""
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
    """Return errors for integers: only the model's input has them, and all its readers agree."""
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
