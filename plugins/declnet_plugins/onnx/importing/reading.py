"""Recognition of the nodes of an ONNX graph as layers, in order.

Elementwise nodes wait until something else reads them: several of them may be one activation, which
is recognized by its values. What is not recognized is collected, for one message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from declnet import Array, Layer, LayerState
from declnet_plugins.exchange import UnsupportedError
from declnet_plugins.onnx.importing.graph import Graph, Node
from declnet_plugins.onnx.importing.network import Network, Value
from declnet_plugins.standard.layers.activations import Mish, SiLU
from declnet_plugins.standard.layers.gelu import GELU

UNARY: dict[str, str] = {
    "Relu": "relu",
    "Elu": "elu",
    "Selu": "selu",
    "LeakyRelu": "leaky_relu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Mish": "mish",
    "Gelu": "gelu",
}
"""Operators of one value and no constants that are layers."""

PARTS = frozenset({"Erf", "Add", "Sub", "Mul", "Div", "Pow", "Neg", "Exp", *UNARY})
"""Elementwise operators that may be parts of an activation."""

MOST_PARTS = 16
"""Nodes of one activation, an upper bound: what follows them waits on its own."""

UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What inputs and attributes of another kind than an operator usually has may raise."""

PASSING = frozenset({"Identity", "Dropout", "Cast"})


@dataclass(eq=False)
class Waiting:
    """An elementwise function of one value, computed by several nodes."""

    base: str
    nodes: list[Node] = field(default_factory=list)


@dataclass
class Reader:
    """A reader of a graph into a network.

    Attributes:
        graph: the graph.
        network: what was found.
        leftovers: the nodes that were not recognized, each with the reason.
    """

    graph: Graph
    network: Network = field(default_factory=Network)
    leftovers: list[str] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    same_as: dict[str, str] = field(default_factory=dict)
    """Values that wait under another name."""
    open_biases: set[str] = field(default_factory=set)
    """Values of matrix products whose biases may follow."""
    open_affine: set[str] = field(default_factory=set)
    """Values of factors and offsets that may be combined with further ones."""

    def unreadable(self) -> list[str]:
        """Return the nodes that nothing reads, whatever their values, or that must not be run."""
        from declnet_plugins.onnx.importing.nodes import HANDLERS

        refused = self.graph.refused()
        known = PASSING | PARTS | HANDLERS.keys()
        unknown = (
            f"{node.operator} {node.name}"
            for node in self.graph.nodes
            if node.operator not in known and not self.graph.is_constant(node.outputs[0])
        )
        return [*refused, *unknown] if refused else []

    def read(self) -> dict[str, Value]:
        """Read all nodes, and return the network's outputs; `leftovers` says what is missing."""
        inputs = self.graph.inputs
        for name, info in inputs.items():
            source = "input" if len(inputs) == 1 else f"input.{input_name(name)}"
            self.values[name] = Value(source, info.shape)
        unknown: set[str] = set()
        for node in self.graph.nodes:
            if all(self.graph.is_constant(name) for name in node.outputs if name):
                continue
            if unknown & set(node.inputs):
                unknown |= set(node.outputs)
                continue
            reason = self._reason_against(node)
            if reason is not None:
                self.leftovers.append(f"{node.operator} {node.name}{reason}")
                unknown |= set(node.outputs)
        outputs = {}
        for name in self.graph.outputs:
            if name in unknown:
                continue
            try:
                outputs[name] = self.value(name)
            except UnsupportedError as error:
                self.leftovers.append(str(error) or f"output {name}")
            except UNEXPECTED as error:
                self.leftovers.append(f"output {name}: {type(error).__name__}: {error}")
        return outputs

    def _reason_against(self, node: Node) -> str | None:
        """Read a node; return why it cannot be read, if so."""
        try:
            self._read(node)
        except UnsupportedError as error:
            return f": {error}" if str(error) else ""
        except UNEXPECTED as error:
            return f": its inputs or attributes are unusual ({type(error).__name__}: {error})"
        return None

    def _read(self, node: Node) -> None:
        from declnet_plugins.onnx.importing.nodes import HANDLERS

        if node.operator in PASSING:
            self._pass(node)
        elif self._is_part(node) and not self._completes(node):
            bases = {self._base(name) for name in node.inputs if not self.graph.is_constant(name)}
            parts = dict.fromkeys(
                part
                for name in node.inputs
                for part in (self.waiting[name].nodes if name in self.waiting else ())
            )
            if len(bases) == 1 and len(parts) < MOST_PARTS:
                self.waiting[node.outputs[0]] = Waiting(bases.pop(), [*parts, node])
            else:
                self._single(node)
        elif node.operator in HANDLERS:
            HANDLERS[node.operator](self, node)
        elif not self._is_part(node):
            raise UnsupportedError

    def _pass(self, node: Node) -> None:
        name = node.inputs[0]
        if name in self.waiting:
            self.waiting[node.outputs[0]] = self.waiting[name]
            self.same_as[node.outputs[0]] = self.same_as.get(name, name)
            return
        value = self.values[name]
        self.values[node.outputs[0]] = value
        if not value.source.startswith("input"):
            self.network.note(value.source, node.name)
        for open_values in (self.open_biases, self.open_affine):
            if name in open_values and self.graph.readers(name) == 1:
                open_values.add(node.outputs[0])

    def _is_part(self, node: Node) -> bool:
        return node.operator in PARTS and "" not in node.inputs

    def _base(self, name: str) -> str:
        return self.waiting[name].base if name in self.waiting else name

    def _completes(self, node: Node) -> bool:
        """Add a bias to the matrix product before it, or an affine map to another one."""
        varying = [name for name in node.inputs if not self.graph.is_constant(name)]
        if len(varying) != 1 or len(node.inputs) != 2 or varying[0] in self.waiting:
            return False
        name = varying[0]
        if node.operator == "Add" and name in self.open_biases and self.graph.readers(name) == 1:
            value = self.values[name]
            other = self.graph.constant(next(input_ for input_ in node.inputs if input_ != name))
            if other.shape[-1:] in ((), (1,), value.shape[-1:]) and other.size in (
                1,
                value.shape[-1],
            ):
                self.network.add_biases(value, other)
                self.network.note(value.source, node.name)
                self.values[node.outputs[0]] = value
                self.open_biases.add(node.outputs[0])
                return True
        return False

    def value(self, name: str) -> Value:
        """Return a value as a layer computes it, adding layers for what waits."""
        if name not in self.values:
            self.values[name] = self._settled(name)
        value = self.values[name]
        if value.view:
            raise UnsupportedError(f"an order of axes that no layer has ({value.view})")
        return value

    def add(
        self,
        node: Node,
        type_: str,
        inputs: Value | list[Value],
        shape: tuple[int, ...] | None = None,
        parameters: dict[str, Array] | None = None,
        /,
        **fields: Any,
    ) -> None:
        """Add the layer that a node is, which computes its first output.

        Args:
            node: the node.
            type_: the layer's type.
            inputs: what it reads.
            shape: the shape of a sample of its output; default: that of its first input.
            parameters: its arrays by name.
            fields: its fields.
        """
        values = inputs if isinstance(inputs, list) else [inputs]
        shape = values[0].shape if shape is None else shape
        self.values[node.outputs[0]] = self.network.add(
            type_, values, shape, [node.name], parameters, **fields
        )

    def viewed(self, name: str) -> Value:
        """Return a value as a layer computes it, in another order of axes perhaps."""
        return self.values[name] if name in self.values else self.value(name)

    def _settled(self, name: str) -> Value:
        if name in self.same_as:
            return self.value(self.same_as[name])
        waiting = self.waiting[name]
        base = self.value(waiting.base)
        if len(waiting.nodes) > 1:
            activation = _activation(self.graph.values[waiting.base], self.graph.values[name])
            if activation is not None:
                nodes = [part.name for part in waiting.nodes]
                return self.network.add(activation[0], [base], base.shape, nodes, **activation[1])
        node = waiting.nodes[-1]
        self._single(node)
        return self.values[node.outputs[0]]

    def _single(self, node: Node) -> None:
        """Add a layer for one elementwise node."""
        varying = [name for name in node.inputs if not self.graph.is_constant(name)]
        if node.operator in UNARY:
            x = self.value(varying[0])
            self.add(node, UNARY[node.operator], x, **_fields_of(node))
        elif len(varying) == 2 and node.operator in ("Add", "Mul"):
            parts = [self.value(name) for name in node.inputs]
            if parts[0].shape != parts[1].shape:
                raise UnsupportedError("its inputs have different shapes")
            kind = "add" if node.operator == "Add" else "multiply"
            self.add(node, kind, parts)
        elif len(varying) == 1 and node.operator in ("Add", "Sub", "Mul", "Div"):
            self._affine(node, varying[0])
        else:
            raise UnsupportedError

    def _affine(self, node: Node, name: str) -> None:
        """Add a factor and an offset for each feature: a batch_norm that is not trained."""
        x = self.value(name)
        if name != node.inputs[0] and node.operator in ("Sub", "Div"):
            raise UnsupportedError("it subtracts from a constant, or divides one")
        other = self.graph.constant(node.inputs[1] if name == node.inputs[0] else node.inputs[0])
        if not x.shape:
            raise UnsupportedError("it has one number for each sample")
        constants = np.broadcast_to(other.reshape(other.shape or (1,)), (1, *x.shape))
        by_channel = constants.reshape(x.shape[0], -1)
        if (by_channel != by_channel[:, :1]).any():
            raise UnsupportedError("its constant differs within a channel")
        numbers = by_channel[:, 0].astype(float)
        factor, offset = np.ones_like(numbers), np.zeros_like(numbers)
        if node.operator in ("Mul", "Div"):
            factor = numbers if node.operator == "Mul" else 1 / numbers
        else:
            offset = numbers if node.operator == "Add" else -numbers
        if name in self.open_affine and self.graph.readers(name) == 1:
            own_parameters = self.network.parameters
            scale, shift = (own_parameters[f"{x.source}.{name}"] for name in ("scale", "offset"))
            shift[:] = shift * factor + offset
            scale[:] = scale * factor
            self.network.note(x.source, node.name)
            self.values[node.outputs[0]] = x
        else:
            parameters = {
                "scale": factor,
                "offset": offset,
                "running_mean": np.zeros_like(numbers),
                "running_variance": np.full_like(numbers, 1 - 1e-5),
            }
            self.add(node, "batch_norm", x, None, parameters, trainable=False)
        self.open_affine.add(node.outputs[0])


def input_name(name: str) -> str:
    """Return an input's name as specs take it: letters, digits and underscores."""
    plain = "".join(
        character if character.isalnum() and character.isascii() else "_" for character in name
    )
    return plain.strip("_") or "x"


def _fields_of(node: Node) -> dict[str, Any]:
    attributes = node.attributes
    if node.operator == "LeakyRelu":
        return {"negative_slope": round(float(attributes.get("alpha", 0.01)), 7)}
    if node.operator == "Elu":
        return {"alpha": round(float(attributes.get("alpha", 1.0)), 7)}
    if node.operator == "Gelu" and attributes.get("approximate") == "tanh":
        return {"approximation": "tanh"}
    if node.operator == "HardSigmoid":
        alpha, beta = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
        if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
            raise UnsupportedError(f"its slope is {alpha:g}; hard_sigmoid has 1/6")
    if node.operator == "Selu" and abs(attributes.get("gamma", 1.0507) - 1.0507) > 1e-4:
        raise UnsupportedError("its constants differ from the paper's")
    return {}


COMPOSED = (SiLU(), Mish(), GELU(), GELU(approximation="tanh"))
"""Activations that graphs compute by several nodes."""


def _computed(layer: Layer, x: Array) -> Array:
    """Return what an activation makes of a row of numbers, (1, count)."""
    state, y = LayerState(np.random.default_rng(0), training=False), np.empty_like(x)
    for name, memory in layer.workspace(x.shape[1:]).items():
        setattr(state, name, np.empty((1, *memory.shape), x.dtype))
    layer.forward(x, y, state)
    return y


def _activation(x: Array, y: Array) -> tuple[str, dict[str, Any]] | None:
    """Return the type and the fields of the activation that is closest to y, if one is close.

    A part of large values is enough, since predictions are compared later.
    """
    if x.shape != y.shape:
        return None
    x, y = (array.reshape(1, -1)[:, :MOST_COMPARED] for array in (x, y))
    with np.errstate(over="ignore"):
        errors = [float(np.abs(_computed(layer, x) - y).max()) for layer in COMPOSED]
    best = int(np.argmin(errors))
    activation = COMPOSED[best].type, COMPOSED[best].model_dump(exclude_unset=True)
    return activation if errors[best] <= CLOSE * max(1.0, float(np.abs(y).max())) else None


MOST_COMPARED = 4096

CLOSE = 1e-5
"""The largest difference of an activation that is recognized by its values."""
