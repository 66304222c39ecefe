"""Shapes, parameters and memory of all layers, inferred before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, TypeVar

from declnet.contracts.arrays import Shape
from declnet.contracts.attribution import broken_contract
from declnet.contracts.network.inputs import InputInfo, IntegerLimit, as_input_infos, input_value
from declnet.contracts.network.layer import InputDtype, Layer, TrainableFrom, input_dtypes
from declnet.contracts.network.parameter import Initializer, Parameter, Regularizer, Workspace
from declnet.contracts.returned import BrokenContractError, verified
from declnet.errors import Diagnostic, SpecError, error_message
from declnet.graph.wiring import Wire, parts_of, why_unknown, wire
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion
from declnet.spec.partial import LayerPart
from declnet.spec.shown_values import from_here


@dataclass(frozen=True)
class Node:
    """A layer with everything that the graph needs to know about it.

    Attributes:
        layer: the layer, with what it learned from its inputs (`Layer.with_input_info`).
        inputs: values by index: 0 is one of the model's inputs, i + 1 the output of node i.
        reads: for each input, the name of the model's input if it is one.
        limits: for each input, the integers that the layer takes; None if it takes any.
        parameters: what the layer declares, whether or not it shares them.
        shared: the layer whose parameters it uses, by index; None for its own.
    """

    index: int
    name: str
    layer: Layer
    inputs: tuple[int, ...]
    reads: tuple[str | None, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    limits: tuple[IntegerLimit | None, ...]
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
    def input_shape(self) -> Any:
        """The shape of its input as it takes it: a tuple of shapes if it takes many."""
        return self.input_shapes if self.takes_many_inputs else self.input_shapes[0]

    @property
    def input_dtypes(self) -> tuple[InputDtype, ...]:
        """Whether the layer takes floats or integers from each input."""
        return input_dtypes(self.layer, len(self.reads))

    def reads_of(self, dtype: InputDtype) -> frozenset[str]:
        """Return the names of the model's inputs that it takes in a type."""
        reads = zip(self.reads, self.input_dtypes, strict=True)
        return frozenset(read for read, kind in reads if read is not None and kind == dtype)

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


Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Network:
    """The layers of a model with their shapes, from which its graphs are compiled.

    It has no parameters, so the check of a spec, the model and all runs that share data use one.

    Attributes:
        nodes: the layers in order.
        inputs: a description of each input of the model, by name.
        outputs: the indices of the layers that are outputs.
    """

    nodes: tuple[Node, ...]
    inputs: Mapping[str, InputInfo]
    outputs: tuple[int, ...]
    _results: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """Return what depends on the network and on a key alone, computed once."""
        if key not in self._results:
            self._results[key] = compute()
        result: Result = self._results[key]
        return result


@dataclass(frozen=True)
class Inferred:
    """The facts about a model that follow from its declaration.

    Attributes:
        nodes: a node for each layer; None if unknown.
        names: the name of each layer.
        problems: every error, located at its layer; follow-on errors are left out.
        inputs: the model's inputs by name, None for one that is not known.
        outputs: the names of the layers that are outputs; None for the last one.
    """

    nodes: tuple[Node | None, ...]
    names: tuple[str, ...]
    problems: tuple[Diagnostic, ...]
    inputs: Mapping[str, InputInfo | None] = field(default_factory=dict)
    outputs: Sequence[str] | None = None

    @cached_property
    def complete(self) -> tuple[Node, ...]:
        """All nodes, or none if one is unknown or there are errors."""
        known = tuple(node for node in self.nodes if node is not None)
        return known if len(known) == len(self.nodes) and not self.problems else ()

    @cached_property
    def network(self) -> Network | None:
        """The network; None if anything is unknown or there are errors."""
        inputs = {name: info for name, info in self.inputs.items() if info is not None}
        if not self.complete:
            return None
        indices = {node.name: node.index for node in self.complete}
        outputs = (self.complete[-1].name,) if self.outputs is None else self.outputs
        return Network(self.complete, inputs, tuple(indices[name] for name in outputs))


def input_shapes(nodes: Sequence[Node]) -> dict[str, Shape]:
    """Return the shapes of the model's inputs that its layers read, by name."""
    return {
        name: shape
        for node in nodes
        for name, shape in zip(node.reads, node.input_shapes, strict=True)
        if name is not None
    }


def input_limits(nodes: Sequence[Node]) -> dict[str, tuple[IntegerLimit, str]]:
    """Return the smallest limit of each input of integers, with the name of its layer."""
    limits: dict[str, tuple[IntegerLimit, str]] = {}
    for node in nodes:
        for name, limit in zip(node.reads, node.limits, strict=True):
            if name is None or limit is None:
                continue
            if name not in limits or limit.largest < limits[name][0].largest:
                limits[name] = limit, node.name
    return limits


def infer_network(
    layers: Sequence[Layer],
    inputs: Sequence[int] | Mapping[str, InputInfo],
    registry: Registry | None = None,
    outputs: Sequence[str] | None = None,
) -> Network:
    """Wire the layers and infer all shapes.

    Args:
        inputs: the model's inputs, as `as_input_infos` takes them.
        registry: names the distribution of a broken component; default: all installed plugins.
        outputs: the names of the layers that are outputs; default: the last one.

    Raises:
        SpecError: lists each error at its layer.
    """
    inferred = infer(parts_of(layers), as_input_infos(inputs), registry, outputs)
    if inferred.network is None:
        raise SpecError(inferred.problems)
    return inferred.network


def infer(
    parts: Sequence[LayerPart],
    inputs: Mapping[str, InputInfo | None] | None,
    registry: Registry | None = None,
    outputs: Sequence[str] | None = None,
) -> Inferred:
    """Infer as much as possible.

    Args:
        parts: the layers in topological order, including those that could not be read.
        inputs: the model's inputs by name, None for one that is not known; None if not even the
            names are.
        registry: names the distribution of a broken component; default: all installed plugins.
        outputs: the names of the layers that are outputs; default: the last one.
    """
    known_inputs = inputs or {}
    optional = [name for name, info in known_inputs.items() if info and info.optional]
    wires, problems = wire(parts, inputs, outputs, optional)
    values: list[InputInfo | None] = [None]
    nodes: list[Node | None] = []
    for index, (part, place) in enumerate(zip(parts, wires, strict=True)):
        node, layer = None, part.layer
        known = [
            values[value] if read is None else known_inputs.get(read)
            for value, read in zip(place.inputs or (), place.reads, strict=True)
        ]
        infos = tuple(info for info in known if info is not None)
        if layer is not None and place.inputs is not None and len(infos) == len(known):
            try:
                node = _node(index, place, place.inputs, layer, infos)
            except BrokenContractError as error:
                fault = broken_contract(error, registry or default_registry())
                message = from_here(f'"{place.name}": {fault}')
                hint = "the error is in the layer's plugin; `declnet plugins check` shows details"
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E025"))
            except ValueError as error:
                message = f'"{place.name}": {error_message(error)}'
                first = 0
                if part.closes_residual and len(infos) == 2:
                    first = 1
                    message = f"the block's output shape {infos[1].shape} differs from its input "
                    message += f"shape {infos[0].shape}"
                value, read = place.inputs[first], place.reads[first]
                hint = _shapes_before(value, read, infos[first].shape, nodes)
                problems.append(Diagnostic(message, hint, ("model", "layers", index), "E022"))
        values.append(InputInfo(node.output_shape) if node is not None else None)
        if node is not None and node.layer.weights_from is not None:
            node, faults = _sharing(node, wires, nodes)
            problems += faults
        nodes.append(node)
    problems += _wrong_integers([node for node in nodes if node is not None])
    names = tuple(wire.name for wire in wires)
    return Inferred(tuple(nodes), names, tuple(problems), known_inputs, outputs)


def _sharing(
    node: Node, wires: Sequence[Wire], nodes: Sequence[Node | None]
) -> tuple[Node, list[Diagnostic]]:
    """Return a layer that uses the parameters of an earlier one, and why it cannot."""
    path, name = ("model", "layers", node.index), node.layer.weights_from
    names = [wire.name for wire in wires]
    if name not in names[: node.index]:
        message = why_unknown(str(name), names[node.index :], "weights")
        hint = suggestion(str(name), names[: node.index], "earlier layers")
        return node, [Diagnostic(message, hint, (*path, "weights_from"), "E029")]
    source = nodes[names.index(name)]
    if source is None:
        return node, []
    source = nodes[source.owner]  # the first of several layers that share
    if source is None:
        return node, []
    problems = [
        Diagnostic(message, hint, (*path, key), "E029")
        for key, message, hint in _why_not_shared(node, source)
    ]
    return replace(node, shared=source.index), problems


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
        {name: parameter.shape for name, parameter in layer.parameters.items()}
        for layer in (node, source)
    ]
    if shapes[0] != shapes[1]:
        needed, there = (
            ", ".join(f"{name} {shape}" for name, shape in by_name.items()) for by_name in shapes
        )
        message = f'"{node.name}" needs {needed}, but "{source.name}" has {there}'
        yield "weights_from", message, "give both inputs and outputs of the same shape"
    if node.layer.trainable is not True:
        message = f'"{node.name}" is trained exactly when "{source.name}" is, whose weights it uses'
        yield "trainable", message, f'set it for "{source.name}"'
    for name, info in ours.model_fields.items():
        value = getattr(node.layer, name)
        without_effect = getattr(source.layer, name), info.default
        if isinstance(value, Initializer | Regularizer) and value not in without_effect:
            message = f'{name} has no effect on the weights of "{source.name}"'
            yield name, message, f'set it for "{source.name}"'


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _node(
    index: int, place: Wire, inputs: tuple[int, ...], layer: Layer, infos: tuple[InputInfo, ...]
) -> Node:
    """Return a layer's node; raise ValueError if it cannot take such inputs."""
    layer = verified(Layer.with_input_info, layer, infos)
    shapes = tuple(info.shape for info in infos)
    input_shape: Any = shapes if layer.n_inputs != 1 else shapes[0]
    output_shape = verified(Layer.output_shape, layer, input_shape)
    limits = verified(Layer.integer_limits, layer, input_shape)
    parameters = verified(Layer.parameters, layer, input_shape)
    workspace = verified(Layer.workspace, layer, input_shape)
    for name in parameters.keys() & workspace:
        fault = f'returned "{name}", which is the name of a parameter already'
        raise BrokenContractError(layer, "workspace", fault)
    return Node(
        index,
        place.name,
        layer,
        inputs,
        place.reads,
        shapes,
        output_shape,
        (*limits, *[None] * (len(shapes) - len(limits))),
        parameters,
        workspace,
    )


def _shapes_before(value: int, read: str | None, shape: Shape, nodes: Sequence[Node | None]) -> str:
    """Return the chain of shapes up to a layer's input, at most the last four.

    Args:
        value: the input's index.
        read: the name of the model's input if it is one.
        shape: the input's shape.
    """
    steps: list[str] = []
    while read is None and len(steps) < 4:
        node = nodes[value - 1]
        if node is None:
            break
        steps.append(f"{node.name} {node.output_shape}")
        value, read, shape = node.inputs[0], node.reads[0], node.input_shapes[0]
    steps.append("…" if read is None else f"{input_value(read)} {shape}")
    return f"the shapes before it: {' → '.join(reversed(steps))}"


def _wrong_integers(nodes: Sequence[Node]) -> list[Diagnostic]:
    """Return errors for integers: only the model's inputs have them, and all its readers agree."""
    problems = []
    names = {node.index + 1: node.name for node in nodes}
    read_as_floats = [(node.name, reads) for node in nodes if (reads := node.reads_of("float"))]
    for node in nodes:
        kinds = input_dtypes(node.layer, len(node.inputs))
        path = ("model", "layers", node.index)
        inner = [at for at, kind in enumerate(kinds) if kind == "integer" and node.inputs[at]]
        if inner:
            message = f'"{node.name}" takes integers, so it must read the model\'s input'
            hint = 'put it first, or name the input: inputs = ["input"]'
            if "float" in kinds:
                source = names[node.inputs[inner[0]]]
                message = f'input {inner[0] + 1} of "{node.name}" must be integers from the data, '
                message += f'but "{source}" gives floats'
                hint = 'name an input of the model, such as "input.lengths"'
            problems.append(Diagnostic(message, hint, path, "E024"))
            continue
        integers = node.reads_of("integer")
        floats = [name for name, reads in read_as_floats if reads & integers]
        if floats:
            message = (
                f'"{node.name}" takes the input as integers, but {", ".join(floats)} as floats'
            )
            problems.append(Diagnostic(message, None, path, "E024"))
    return problems
