"""Where the network of a pipeline ends: its scores, its classes, and what makes both outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from declnet import Array
from declnet_plugins.exchange import UnsupportedError

Kind = Literal["values", "binary", "classes"]

ML = "ai.onnx.ml"
SAME = ("Identity", "Cast", "Reshape")


def compute_in_float32(model: Any) -> None:
    """Change a model of doubles, of which onnxruntime lacks operators; and join norms of rows."""
    graph, double = model.graph, TensorProto.DOUBLE
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == double:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in (*graph.initializer, *(a.t for node in graph.node for a in node.attribute)):
        if tensor.data_type == double and tensor.data_location != TensorProto.EXTERNAL:
            single = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(single, tensor.name))
    producers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == double:
                attribute.i = TensorProto.FLOAT
        root = producers.get(node.input[1]) if node.op_type == "Div" else None
        is_root = root is not None and root.op_type == "Sqrt"
        squares = producers.get(root.input[0]) if root is not None and is_root else None
        is_norm = squares is not None and squares.op_type == "ReduceSumSquare"
        if squares is not None and is_norm and squares.input[0] == node.input[0]:
            fields = {"domain": ML, "norm": "L2"}
            joined = helper.make_node(
                "Normalizer", node.input[:1], node.output, node.name, **fields
            )
            node.CopyFrom(joined)


def attributes_of(node: Any) -> dict[str, Any]:
    """Return the attributes of a node, texts decoded and tensors as arrays or lists of texts.

    Raises:
        UnsupportedError: a text is not valid UTF-8.
    """
    return {
        attribute.name: _plain(helper.get_attribute_value(attribute), node)
        for attribute in node.attribute
    }


def _plain(value: Any, node: Any) -> Any:
    try:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            return [text.decode() for text in value]
        if isinstance(value, TensorProto):
            array = numpy_helper.to_array(value)
            return [_plain(item, node) for item in array.tolist()]
    except UnicodeDecodeError:
        raise UnsupportedError("a text in it is not valid UTF-8") from None
    return value


@dataclass
class Head:
    """The outputs of a pipeline.

    Attributes:
        scores: the value that holds the probabilities of all classes, or the predicted values.
        core: the value that the network computes: of two classes, the probability of the second.
        kind: what is predicted.
        classes: the classes in the order of the probabilities; None for values.
        label: the output that holds the predicted classes; None if there is none.
        added: nodes that compute `core` in place of those of the file.
    """

    scores: str
    core: str
    kind: Kind
    classes: list[Any] | None = None
    label: str | None = None
    added: tuple[Any, ...] = ()


class Outputs:
    """The outputs of a graph, to be followed back.

    Args:
        graph: the graph.
        constants: the stored arrays by name.
    """

    def __init__(self, graph: Any, constants: Mapping[str, Array]) -> None:
        self._graph, self._constants = graph, constants
        self._producers = {name: node for node in graph.node for name in node.output}

    def head(self) -> Head:
        """Return the head of a pipeline.

        Raises:
            UnsupportedError: the outputs are not the values or classes of one target.
        """
        scores, label, classes = list[str](), None, None
        for value in self._graph.output:
            node = self._producers.get(value.name)
            kind = value.type.tensor_type.elem_type
            if node is not None and node.op_type == "ZipMap":
                fields = attributes_of(node)
                classes = fields.get("classlabels_strings") or fields.get("classlabels_int64s")
                scores.append(node.input[0])
            elif kind == TensorProto.FLOAT:
                scores.append(value.name)
            else:
                label = value.name
        if len(scores) != 1:
            raise UnsupportedError(
                f"it has {len(scores)} outputs of numbers; name one with outputs"
            )
        if label is None and classes is None:
            return Head(scores[0], scores[0], "values")
        if classes is None and label is not None:
            classes = self._classes(label)
            kinds = {value.name: value.type.tensor_type.elem_type for value in self._graph.output}
            if classes is not None and kinds[label] == TensorProto.INT64:
                classes = [int(item) for item in classes]
        return self._of_classes(scores[0], classes or [], label)

    def _back(self, name: str, passed: tuple[str, ...] = SAME) -> Any:
        """Return the node that computes a value, before those that leave it unchanged."""
        node = self._producers.get(name)
        while node is not None and node.op_type in passed:
            node = self._producers.get(node.input[0])
        return node

    def _classes(self, label: str) -> list[Any] | None:
        node = self._back(label)
        if node is not None and node.op_type == "ArrayFeatureExtractor":
            classes = self._constants.get(node.input[0])
            if classes is not None:
                return [
                    item.decode() if isinstance(item, bytes) else item
                    for item in classes.ravel().tolist()
                ]
        if node is not None and node.op_type == "LinearClassifier":
            fields = attributes_of(node)
            return fields.get("classlabels_strings") or fields.get("classlabels_ints")
        return None

    def _of_classes(self, scores: str, classes: list[Any], label: str | None) -> Head:
        node = self._back(scores)
        inner = None if node is None else self._shares_of(node)
        last = node if inner is None else self._back(inner)
        if last is None:
            raise UnsupportedError(f"nothing computes the probabilities {scores}")
        fields = attributes_of(last)
        if last.op_type == "LinearClassifier" and fields.get("post_transform") == "SOFTMAX":
            weights, biases, _ = linear(last)
            if weights.shape[1] != len(classes):
                raise UnsupportedError(
                    f"LinearClassifier {last.name}: it has {weights.shape} weights"
                )
            core, name = f"{scores} core", last.name
            nodes = [
                *product(name, last.input[0], weights, biases, f"{core} logits"),
                helper.make_node("Softmax", [f"{core} logits"], [core], f"{name} #Softmax"),
            ]
            return Head(scores, core, "classes", classes, label, tuple(nodes))
        if last.op_type == "Softmax":
            return Head(scores, last.output[0], "classes", classes, label)
        parts = self._sigmoids(inner or scores)
        if len(parts) == 1 and last.op_type == "LinearClassifier":
            parts = [parts[0].opposite, *parts]
        if len({part.x for part in parts}) == 1 and len(parts) == len(classes):
            if len(parts) == 2 and parts[0].is_opposite_to(parts[1]):
                return _of_two(parts[1], scores, classes, label)
            if len(parts) > 2 and inner is not None:
                return _against_rest(parts, scores, classes, label)
        raise UnsupportedError(
            f"{last.op_type} {last.name}: it gives {len(parts)} probabilities of "
            f"{len(classes)} classes"
        )

    def _shares_of(self, node: Any) -> str | None:
        """Return what a node divides by its sum; None if it does something else."""
        if node.op_type == "Normalizer" and attributes_of(node).get("norm") == "L1":
            return str(node.input[0])
        if node.op_type == "Div":
            total = self._producers.get(node.input[1])
            if total is not None and total.op_type == "ReduceSum":
                summed = self._back(total.input[0], ("Abs",)), self._back(node.input[0], ("Abs",))
                if summed[0] is summed[1] is not None:
                    return str(node.input[0])
        return None

    def _sigmoids(self, name: str) -> list[Sigmoid]:
        """Return the columns of a value, each a sigmoid of a linear map.

        Raises:
            UnsupportedError: it is something else.
        """
        node = self._back(name)
        if node is None:
            raise UnsupportedError(f"nothing computes the probabilities {name}")
        fields, inputs = attributes_of(node), [*node.input]
        inner = self._shares_of(node)
        if inner is not None:
            columns = self._sigmoids(inner)
            if len(columns) == 2 and columns[0].is_opposite_to(columns[1]):
                return columns  # their sum is 1
        elif node.op_type == "LinearClassifier" and fields.get("post_transform") == "LOGISTIC":
            weights, biases, _ = linear(node)
            return Sigmoid.of(node, weights, biases)
        elif node.op_type == "Sigmoid":
            total = self._back(inputs[0])
            if total is not None and total.op_type == "Add":
                product_ = self._back(total.input[0])
                arrays = [
                    self._constants.get(of.input[1])
                    for of in (product_, total)
                    if of is not None and of.op_type in ("MatMul", "Add")
                ]
                if len(arrays) == 2 and arrays[0] is not None and arrays[1] is not None:
                    return Sigmoid.of(product_, arrays[0].astype(float), arrays[1].astype(float))
        elif node.op_type == "Slice":
            bounds = [self._constants.get(bound, np.zeros(0)).tolist() for bound in inputs[1:]]
            if bounds == [[1], [2], [1]]:
                return self._sigmoids(inputs[0])[1:2]
        elif node.op_type == "Concat" and fields.get("axis") in (1, -1):
            return [column for part in inputs for column in self._sigmoids(part)]
        elif node.op_type == "Sub" and (self._constants.get(inputs[0], np.zeros(1)) == 1).all():
            return [column.opposite for column in self._sigmoids(inputs[1])]
        raise UnsupportedError(
            f"{node.op_type} {node.name}: no layer computes its probabilities (supported: Softmax, "
            "Sigmoid, LinearClassifier, and their shares)"
        )


class Sigmoid(NamedTuple):
    """A column sigmoid(x @ weights + bias), and the node that multiplies."""

    node: str
    x: str
    weights: Array
    bias: float

    @classmethod
    def of(cls, node: Any, weights: Array, biases: Array) -> list[Sigmoid]:
        """Return the columns of a product with weights (features, units)."""
        every = np.broadcast_to(biases.ravel(), weights.shape[-1:]).tolist()
        columns = zip(weights.T, every, strict=True)
        return [cls(node.name, node.input[0], column, bias) for column, bias in columns]

    @property
    def opposite(self) -> Sigmoid:
        """The column 1 - sigmoid(z) = sigmoid(-z)."""
        return self._replace(weights=-self.weights, bias=-self.bias)

    def is_opposite_to(self, other: Sigmoid) -> bool:
        """Return whether the sum of both is 1."""
        same = self.x == other.x and self.bias == -other.bias
        return same and np.array_equal(self.weights, -other.weights)


def _of_two(part: Sigmoid, scores: str, classes: list[Any], label: str | None) -> Head:
    """Return the head of two classes, of which a sigmoid is the second's probability."""
    core, bias = f"{scores} core", np.array([part.bias])
    nodes = [
        *product(part.node, part.x, part.weights[:, None], bias, f"{core} logits"),
        helper.make_node("Sigmoid", [f"{core} logits"], [core], f"{part.node} #Sigmoid"),
    ]
    return Head(scores, core, "binary", classes, label, tuple(nodes))


def _against_rest(parts: list[Sigmoid], scores: str, classes: list[Any], label: str | None) -> Head:
    """Return the head of sigmoid(z) / sum(sigmoid(z)) = softmax(-softplus(-z))."""
    name, core = parts[0].node, f"{scores} core"
    weights = np.stack([-part.weights for part in parts], axis=1)
    biases = np.array([-part.bias for part in parts])
    nodes = [
        *product(name, parts[0].x, weights, biases, f"{core} 1"),
        helper.make_node("Softplus", [f"{core} 1"], [f"{core} 2"], f"{name} #logarithms"),
        *product(f"{name} #signs", f"{core} 2", -np.eye(len(parts)), None, f"{core} 3"),
        helper.make_node("Softmax", [f"{core} 3"], [core], f"{name} #shares"),
    ]
    return Head(scores, core, "classes", classes, label, tuple(nodes))


def linear(node: Any) -> tuple[Array, Array, str]:
    """Return the weights (features, units), biases and transform of a linear model's node.

    Raises:
        UnsupportedError: they do not fit each other.
    """
    fields = attributes_of(node)
    default = fields.get("targets", 1)
    biases = np.array(fields.get("intercepts") or [0.0] * default, float)
    weights = np.array(fields["coefficients"], float)
    if not len(biases) or len(weights) % len(biases):
        raise UnsupportedError(
            f"{node.op_type} {node.name}: its coefficients do not fit intercepts"
        )
    transform = fields.get("post_transform", "NONE")
    return weights.reshape(len(biases), -1).T, biases, transform


def product(name: str, x: str, weights: Array, biases: Array | None, y: str) -> list[Any]:
    """Return nodes that compute y = x @ weights + biases, with constants."""
    constants = {"weights": weights, "biases": biases}
    stored = [
        helper.make_node(
            "Constant", [], [f"{y} {key}"], value=numpy_helper.from_array(array.astype(np.float32))
        )
        for key, array in constants.items()
        if array is not None
    ]
    before = y if biases is None else f"{y} product"
    nodes = [*stored, helper.make_node("MatMul", [x, f"{y} weights"], [before], name)]
    if biases is not None:
        nodes.append(helper.make_node("Add", [before, f"{y} biases"], [y], f"{name} #biases"))
    return nodes
