"""Where the network of a pipeline ends: its scores, its classes, and what makes both outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from declnet import Array
from declnet_plugins.exchange import UnsupportedError
from declnet_plugins.onnx.importing.graph import needed_nodes, part_of, session_of

Kind = Literal["values", "binary", "classes"]

ML = "ai.onnx.ml"
SAME = ("Identity", "Cast", "Reshape")

SAMPLES = 64
"""Rows of random numbers that show which probabilities a file computes."""

CLOSE = 1e-5
"""The largest difference of these; more if biases are larger than 1."""


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
        model: the model.
        constants: the stored arrays by name.
    """

    def __init__(self, model: Any, constants: Mapping[str, Array]) -> None:
        self._model, self._graph, self._constants = model, model.graph, constants
        self._producers = {name: node for node in model.graph.node for name in node.output}

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

    def _back(self, name: str) -> Any:
        """Return the node that computes a value, before those that leave it unchanged."""
        node = self._producers.get(name)
        while node is not None and node.op_type in SAME:
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
        """Return the head that reproduces the file's probabilities on test inputs."""
        last = self._back(scores)
        if last is not None and last.op_type == "Normalizer":
            is_share = attributes_of(last).get("norm") == "L1"
            last = self._back(last.input[0]) if is_share else last
        if last is None:
            raise UnsupportedError(f"nothing computes the probabilities {scores}")
        if last.op_type == "Softmax":
            return Head(scores, last.output[0], "classes", classes, label)
        maps = self._maps(scores)
        usable = all(of.size and np.isfinite(of).all() for _, *arrays in maps for of in arrays)
        if usable and len({(node.input[0], len(weights)) for node, weights, _ in maps}) == 1:
            first, count = maps[0][0], len(classes)
            every = [np.hstack([part[at] for part in maps]) for at in (1, 2)]
            ends = [np.hstack([part[at][..., -1:] for part in maps]) for at in (1, 2)]
            x, close = _telling(*every)
            expected = np.asarray(self._computed(scores, first.input[0], x))
            for (weights, biases), compute, kind in (
                (every, _softmax, "softmax"), (ends, _two, "sigmoid"), (every, _shares, "shares"),
                (ends, _shares, "shares"),
            ):  # fmt: skip
                computed = compute(x @ weights + biases)
                same_shape = computed.shape == expected.shape == (SAMPLES, count)
                if same_shape and np.allclose(computed, expected, rtol=0, atol=close):
                    core = f"{scores} core"
                    nodes = _nodes(kind, first, weights, biases, core)
                    of_two: Kind = "binary" if kind == "sigmoid" else "classes"
                    return Head(scores, core, of_two, classes, label, nodes)
        raise UnsupportedError(
            f"{last.op_type} {last.name}: no layer computes its probabilities (supported: Softmax, "
            "Sigmoid, LinearClassifier, and their shares)"
        )

    def _maps(self, name: str) -> list[tuple[Any, Array, Array]]:
        """Return the linear maps nearest to a value: the node of each, weights and biases."""
        maps, names, seen = list[Any](), [name], set[int]()
        while names:
            node = self._producers.get(names.pop())
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            linear_map = self._linear(node)
            if linear_map is not None:
                maps.append(linear_map)
            else:
                names += reversed(node.input)
        return maps

    def _linear(self, node: Any) -> tuple[Any, Array, Array] | None:
        if node.op_type == "LinearClassifier":
            weights, biases, _ = linear(node)
            return node, weights, biases
        before = self._back(node.input[0]) if node.op_type == "Add" else None
        if before is None or before.op_type != "MatMul":
            return None
        matrix, added = (self._constants.get(of.input[1]) for of in (before, node))
        if matrix is None or added is None:
            return None
        biases = np.broadcast_to(added.ravel().astype(float), matrix.shape[-1:])
        return before, matrix.astype(float), biases

    def _computed(self, name: str, source: str, x: Array) -> Array:
        """Return what the file makes of an array in place of one of its values."""
        nodes, _ = needed_nodes(self._model.graph.node, [name], [source])
        part = part_of(self._model, nodes, self._constants, [name], {source: x.shape})
        return np.asarray(session_of(part).run([name], {source: x})[0])


def _telling(weights: Array, biases: Array) -> tuple[Array, float]:
    """Return rows for which linear maps give numbers near 0, and how close float32 computes these.

    Where sigmoids are 0 or 1, different functions of the numbers would be alike.
    """
    middle = np.linalg.lstsq(weights.T, -biases)[0]
    spread = 1 / (float(np.linalg.norm(weights, axis=0).max()) or 1.0)
    x = middle + spread * np.random.default_rng(0).normal(size=(SAMPLES, len(weights)))
    return x.astype(np.float32), CLOSE * float(np.clip(np.abs(biases).max(), 1, 1000))


def _sigmoid(z: Array) -> Array:
    y: Array = np.exp(-np.logaddexp(0, -z))
    return y


def _softmax(z: Array) -> Array:
    return _normalized(np.exp(z - z.max(axis=1, keepdims=True)))


def _two(z: Array) -> Array:
    return np.hstack([_sigmoid(-z), _sigmoid(z)])


def _shares(z: Array) -> Array:
    return _normalized(_sigmoid(z))


def _normalized(y: Array) -> Array:
    shares: Array = y / y.sum(axis=1, keepdims=True)
    return shares


def _nodes(kind: str, node: Any, weights: Array, biases: Array, core: str) -> tuple[Any, ...]:
    """Return nodes that compute the core from a linear map of what a node reads.

    The shares of sigmoids are sigmoid(z) / sum(sigmoid(z)) = softmax(-softplus(-z)).
    """
    name, x = node.name, node.input[0]
    if kind != "shares":
        operator = kind.capitalize()
        last = helper.make_node(operator, [f"{core} logits"], [core], f"{name} #{operator}")
        return (*product(name, x, weights, biases, f"{core} logits"), last)
    return (
        *product(name, x, -weights, -biases, f"{core} 1"),
        helper.make_node("Softplus", [f"{core} 1"], [f"{core} 2"], f"{name} #logarithms"),
        *product(f"{name} #signs", f"{core} 2", -np.eye(weights.shape[1]), None, f"{core} 3"),
        helper.make_node("Softmax", [f"{core} 3"], [core], f"{name} #shares"),
    )


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
