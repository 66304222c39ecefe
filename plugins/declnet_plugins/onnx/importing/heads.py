"""Where the network of a pipeline ends: its scores, its classes, and what makes both outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from declnet import Array
from declnet_plugins.exchange import UnsupportedError

Kind = Literal["values", "binary", "classes"]

SAME = ("Identity", "Cast", "Reshape")
FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)


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
            elif kind in FLOATS:
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
        node, normalized = self._back(scores), False
        if node is not None and node.op_type == "Normalizer":
            normalized = attributes_of(node).get("norm") == "L1"
            inner = self._back(node.input[0])
            if not normalized or inner is None or inner.op_type != "LinearClassifier":
                raise UnsupportedError(f"Normalizer {node.name}: it is not of a LinearClassifier")
            node = inner
        if node is None:
            raise UnsupportedError(f"nothing computes the probabilities {scores}")
        name = node.output[0]
        if node.op_type == "LinearClassifier":
            fields = attributes_of(node)
            if len(classes) > 2 and fields.get("post_transform") == "LOGISTIC" and normalized:
                return self._against_rest(
                    node.input[0],
                    [(node, at) for at in range(len(classes))],
                    scores,
                    classes,
                    label,
                )
            return self._linear(node, scores, classes, label)
        if node.op_type == "Softmax":
            return Head(scores, name, "classes", classes, label)
        if node.op_type == "Concat" and len(node.input) == 2:
            other, second = (self._producers.get(part) for part in node.input)
            if other is not None and other.op_type == "Sub" and other.input[1] == node.input[1]:
                one = self._constants.get(other.input[0])
                if second is not None and one is not None and (one == 1).all():
                    return Head(scores, node.input[1], "binary", classes, label)
        if node.op_type == "Div":
            return self._divided(node, scores, classes, label)
        raise UnsupportedError(
            f"{node.op_type} {node.name}: no layer computes its probabilities (supported: Softmax, "
            "Sigmoid of two classes, LinearClassifier)"
        )

    def _linear(self, node: Any, scores: str, classes: list[Any], label: str | None) -> Head:
        """Return the head of a LinearClassifier, as a product, a sum and an activation."""
        weights, biases, transform = linear(node)
        if transform == "SOFTMAX" and weights.shape[1] == len(classes) > 1:
            return self._replaced(
                node, weights, biases, "Softmax", scores, "classes", classes, label
            )
        is_one = weights.shape[1] == 1 or _are_opposite(weights, biases)
        if transform == "LOGISTIC" and len(classes) == 2 and is_one:
            last = weights[:, -1:], biases[-1:]
            return self._replaced(node, *last, "Sigmoid", scores, "binary", classes, label)
        raise UnsupportedError(
            f"LinearClassifier {node.name}: post_transform {transform} of {len(classes)} classes"
        )

    def _replaced(
        self,
        node: Any,
        weights: Array,
        biases: Array,
        operator: str,
        scores: str,
        kind: Kind,
        classes: list[Any],
        label: str | None,
    ) -> Head:
        core = f"{scores} core"
        nodes = [
            *product(node.name, node.input[0], weights, biases, f"{core} logits"),
            helper.make_node(operator, [f"{core} logits"], [core], f"{node.name} #{operator}"),
        ]
        return Head(scores, core, kind, classes, label, tuple(nodes))

    def _divided(self, node: Any, scores: str, classes: list[Any], label: str | None) -> Head:
        """Return the head of probabilities of one class against the rest, divided by their sum."""
        joined = self._producers.get(node.input[0])
        if joined is not None and joined.op_type == "Concat" and len(classes) == 2:
            joined = self._producers.get(joined.input[-1])  # of 1 - p and p
        total = self._producers.get(node.input[1])
        is_sum = total is not None and total.op_type == "ReduceSum"
        if joined is None or joined.op_type != "Concat" or not is_sum:
            raise UnsupportedError(f"Div {node.name}: it does not give probabilities")
        parts = []
        for name in joined.input:
            part = self._producers.get(name)
            linear_node = None if part is None else self._producers.get(part.input[0])
            if (
                part is None
                or part.op_type != "Slice"
                or linear_node is None
                or linear_node.op_type != "LinearClassifier"
                or [self._constants[bound].tolist() for bound in part.input[1:4]] != [[1], [2], [1]]
            ):
                raise UnsupportedError(f"Concat {joined.name}: it is not of LinearClassifiers")
            parts.append((linear_node, -1))
        if len(parts) == 1 and len(classes) == 2:
            return self._linear(parts[0][0], scores, classes, label)
        if len({part.input[0] for part, _ in parts}) != 1 or len(parts) != len(classes):
            raise UnsupportedError(f"Concat {joined.name}: its parts read different features")
        return self._against_rest(parts[0][0].input[0], parts, scores, classes, label)

    def _against_rest(
        self,
        features: str,
        parts: list[tuple[Any, int]],
        scores: str,
        classes: list[Any],
        label: str | None,
    ) -> Head:
        """Return the head of sigmoid(z) / sum(sigmoid(z)) = softmax(-softplus(-z))."""
        name, columns, biases = parts[0][0].name, list[Array](), list[float]()
        for node, at in parts:
            weights, intercepts, transform = linear(node)
            if transform != "LOGISTIC":
                raise UnsupportedError(f"LinearClassifier {node.name}: post_transform {transform}")
            columns.append(weights[:, at])
            biases.append(intercepts[at])
        core, count = f"{scores} core", len(parts)
        nodes = [
            *product(name, features, -np.stack(columns, axis=1), -np.array(biases), f"{core} 1"),
            helper.make_node("Softplus", [f"{core} 1"], [f"{core} 2"], f"{name} #logarithms"),
            *product(f"{name} #signs", f"{core} 2", -np.eye(count), None, f"{core} 3"),
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


def _are_opposite(weights: Array, biases: Array) -> bool:
    two = weights.shape[1] == 2
    return two and np.array_equal(weights[:, 0], -weights[:, 1]) and biases[0] == -biases[1]
