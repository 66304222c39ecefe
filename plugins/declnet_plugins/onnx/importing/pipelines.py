"""Pipelines as skl2onnx writes them: columns, their preparation, and a network of features.

The nodes before the network are read as operations on features; what is left is a graph of one
input, which is read as layers like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from declnet import Array, DataError
from declnet_plugins.exchange import Feature, Prepared, PreparedTable, UnsupportedError
from declnet_plugins.onnx.importing.graph import session_of
from declnet_plugins.onnx.importing.heads import Head, Outputs, attributes_of, linear, product
from declnet_plugins.onnx.importing.structure import first_line, printable

ML = "ai.onnx.ml"

KINDS = {
    TensorProto.STRING: "text",
    TensorProto.BOOL: "boolean",
    **dict.fromkeys((TensorProto.INT64, TensorProto.INT32), "integer"),
    **dict.fromkeys((TensorProto.FLOAT, TensorProto.DOUBLE), "number"),
}
"""The kinds of columns by the types of inputs."""

SUPPORTED = (
    "Scaler, Imputer, OneHotEncoder, LabelEncoder, Normalizer, FeatureVectorizer, "
    "LinearClassifier, LinearRegressor, ZipMap; scaling and joining of columns, and layers"
)

FEATURES = "features"
"""The input of the network."""

Values = list[Feature]


def is_pipeline(model: Any) -> bool:
    """Return whether a model reads a table: by skl2onnx or ONNX-ML, or with columns as inputs."""
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value.type.tensor_type for value in graph.input if value.name not in stored]
    sizes = [[dim.dim_value for dim in kind.shape.dim] for kind in inputs]
    return (
        (model.producer_name == "skl2onnx" and all(len(dims) == 2 for dims in sizes))
        or any(node.domain == ML for node in graph.node)
        or any(kind.elem_type in (TensorProto.STRING, TensorProto.BOOL) for kind in inputs)
        or (len(inputs) > 1 and all(dims[1:] == [1] for dims in sizes))
    )


@dataclass(frozen=True)
class RawInput:
    """An input of the file: the columns that it takes, and the type of its numbers or texts."""

    name: str
    columns: tuple[str, ...]
    dtype: Any

    def of(self, columns: Mapping[str, Array], rows: slice, count: int) -> Array:
        """Return rows as the file takes them; columns that it does not use hold zeros."""
        text = self.dtype == object
        arrays = []
        for name in self.columns:
            array = columns[name][rows] if name in columns else np.zeros(count)
            if text:
                array = np.array([cell if isinstance(cell, str) else "" for cell in array], object)
            arrays.append(array.astype(self.dtype))
        return np.stack(arrays, axis=1)


@dataclass(frozen=True)
class Missing:
    """Whether texts are missing: what a LabelEncoder of the empty text gives."""

    features: Values


class Pipeline:
    """A pipeline: the preparation of a table, and the graph of its network.

    Args:
        model: the model, whose names and sizes have been verified.
        arrays: its stored arrays by name.
        columns: the names of all columns in order; default: those of the inputs, or x0, x1, …

    Attributes:
        head: the outputs.
        inputs: the inputs of the file.
        table: the preparation.
        network: a model whose only input is the prepared rows, and whose output is `head.core`.
        left_out: inputs that nothing reads.

    Raises:
        UnsupportedError: the outputs or inputs are not those of a pipeline; otherwise `leftovers`
            lists what is not supported.
    """

    def __init__(
        self, model: Any, arrays: Mapping[str, Array], columns: Sequence[str] = ()
    ) -> None:
        self._graph, self._model = model.graph, model
        self._constants = dict(arrays)
        self.head: Head = Outputs(model.graph, self._constants).head()
        self.leftovers: list[str] = []
        self.inputs = self._raw_inputs(columns)
        self._values: dict[str, Values | Missing] = {}
        for value in self.inputs:
            kind = next(v for v in self._graph.input if v.name == value.name)
            kind = KINDS[kind.type.tensor_type.elem_type]
            self._values[value.name] = [Feature.of(Prepared(name, kind)) for name in value.columns]
        self._matrix: Values | None = None
        self._nodes: list[Any] = []
        self._unknown: set[str] = set()
        for node in self._needed():
            self._read(node)
        if self._matrix is None and not self.leftovers:
            self.leftovers.append("there is no network after the preparation")
        table = self._table
        if not self.leftovers and table is not None:
            self.table, self.network = table, self._model_of(table)
        used = {name for node in self._needed() for name in node.input}
        self.left_out = [value.name for value in self.inputs if value.name not in used]

    _table: PreparedTable | None = None

    def _raw_inputs(self, columns: Sequence[str]) -> list[RawInput]:
        inputs = []
        for value in self._graph.input:
            if value.name in self._constants:
                continue
            tensor = value.type.tensor_type
            if tensor.elem_type not in KINDS:
                raise UnsupportedError(f'the input "{printable(value.name)}" has an unusual type')
            sizes = [dim.dim_value for dim in tensor.shape.dim]
            if len(sizes) != 2 or not 0 < sizes[1] <= 100_000:
                raise UnsupportedError(
                    f'the input "{printable(value.name)}" is not a column, nor rows of columns'
                )
            names = (value.name,) if sizes[1] == 1 else tuple(f"x{at}" for at in range(sizes[1]))
            inputs.append(
                RawInput(value.name, names, helper.tensor_dtype_to_np_dtype(tensor.elem_type))
            )
        count = sum(len(value.columns) for value in inputs)
        if columns:
            if len(columns) != count:
                raise UnsupportedError(f"it has {count} columns, not {len(columns)}")
            names = iter(columns)
            inputs = [
                replace(value, columns=tuple(islice(names, len(value.columns)))) for value in inputs
            ]
        if len({name for value in inputs for name in value.columns}) < count:
            raise UnsupportedError("several columns have the same name; name them with columns")
        return inputs

    def _needed(self) -> list[Any]:
        """Return the nodes that the core needs, in order."""
        needed, nodes = {self.head.core}, list[Any]()
        for node in (*reversed(self.head.added), *reversed(self._graph.node)):
            if needed & {*node.output}:
                needed |= {*node.input}
                nodes.append(node)
        return nodes[::-1]

    def _read(self, node: Any) -> None:
        """Read a node as an operation on features, or as a part of the network."""
        inputs = [name for name in node.input if name]
        if self._unknown & {*inputs}:
            self._unknown |= {*node.output}
            return
        if all(name in self._constants for name in inputs):
            self._constants |= evaluated(node, self._constants, self._model)
            return
        try:
            if not any(name in self._values for name in inputs):
                self._continue(node)
            elif node.op_type in NETWORK:
                self._enter(node)
            else:
                self._values[node.output[0]] = self._operation(node)
        except UnsupportedError as error:
            reason = f": {error}" if str(error) else ""
            supported = "" if str(error) else f" (supported: {SUPPORTED})"
            self.leftovers.append(printable(f"{node.op_type} {node.name}{reason}{supported}", 300))
            self._unknown |= {*node.output}

    def _continue(self, node: Any) -> None:
        """Add a node that reads what the network computes."""
        if node.op_type == "LinearRegressor":
            weights, biases = _linear_regressor(self, node)
            self._nodes += product(node.name, node.input[0], weights, biases, node.output[0])
        elif node.op_type == "Cast":  # the network computes in float32
            cast = helper.make_node("Identity", node.input[:1], node.output, node.name)
            self._nodes.append(cast)
        else:
            self._nodes.append(node)

    def _operation(self, node: Any) -> Values | Missing:
        handler = OPERATIONS.get(node.op_type)
        if handler is None:
            raise UnsupportedError
        return handler(self, node)

    def _enter(self, node: Any) -> None:
        """Add the first node of the network, a linear map of the features, or their norm."""
        features = self.features(node.input[0])
        if self._matrix is None:
            self._matrix, self._table = features, PreparedTable.of(features)
        table = self._table
        if features != self._matrix or table is None:
            raise UnsupportedError("it reads other features than the rest of the network")
        weights, biases = NETWORK[node.op_type](self, node)
        if weights.ndim != 2 or len(weights) != len(features):
            raise UnsupportedError(f"it takes other than {len(features)} features")
        weights, biases = table.dense(weights, biases)
        is_norm, output = node.op_type == "Normalizer", node.output[0]
        product_ = f"{output} {FEATURES}" if is_norm else output
        if is_norm and table.is_identity:
            product_ = FEATURES
        else:
            name = node.name if biases is None else f"{node.name} #features"
            self._nodes += product(name, FEATURES, weights, biases, product_)
        if is_norm:
            name = f"{node.name} #norm"
            self._nodes.append(helper.make_node("LpNormalization", [product_], [output], name))

    def features(self, name: str) -> Values:
        """Return a value as features.

        Raises:
            UnsupportedError: it is something else.
        """
        value = self._values.get(name)
        if not isinstance(value, list):
            raise UnsupportedError("it reads what is not a column")
        return value

    def constant(self, name: str) -> Array:
        """Return a constant; raise UnsupportedError if a value depends on the rows."""
        if name not in self._constants:
            raise UnsupportedError("an input of it is not a constant")
        return self._constants[name]

    def missing(self, name: str) -> Values:
        """Return the features of which a value says where they are missing."""
        value = self._values.get(name)
        if not isinstance(value, Missing):
            raise UnsupportedError("its condition is not where texts are missing")
        return value.features

    def _model_of(self, table: PreparedTable) -> Any:
        """Return the network alone, as a model."""
        width = sum(column.width for column in table.columns)
        needed = {name for node in self._nodes for name in node.input}
        computed = {name for node in self._nodes for name in node.output}
        stored = [
            numpy_helper.from_array(_single(array), name)
            for name, array in self._constants.items()
            if name in needed and name not in computed
        ]
        graph = helper.make_graph(
            self._nodes,
            "network",
            [helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, ["n", width])],
            [helper.make_tensor_value_info(self.head.core, TensorProto.FLOAT, None)],
            stored,
        )
        versions = [one for one in self._model.opset_import if one.domain in ("", "ai.onnx")]
        opsets = versions[:1] or [helper.make_opsetid("", 13)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def evaluated(node: Any, constants: Mapping[str, Array], model: Any) -> dict[str, Array]:
    """Return what a node computes from constants alone."""
    stored = [numpy_helper.from_array(constants[name], name) for name in node.input if name]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([node], "constant", [], outputs, stored)
    alone = helper.make_model(
        graph, opset_imports=[*model.opset_import], ir_version=model.ir_version
    )
    names = [output.name for output in outputs]
    return dict(zip(names, session_of(alone).run(names, {}), strict=True))


def _single(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _same(p: Pipeline, node: Any) -> Values | Missing:
    value = p._values[node.input[0]]
    return value


def _cast(p: Pipeline, node: Any) -> Values | Missing:
    to_text = attributes_of(node).get("to") == TensorProto.STRING
    if to_text and any(f.is_number for f in p.features(node.input[0])):
        raise UnsupportedError("it writes numbers as text")
    return _same(p, node)


def _reshape(p: Pipeline, node: Any) -> Values | Missing:
    value = _same(p, node)
    count = len(value.features if isinstance(value, Missing) else value)
    shape = p.constant(node.input[1]).tolist()
    if shape not in ([-1, count], [0, count], [0, -1], [-1] if count == 1 else [-1, count]):
        raise UnsupportedError(f"it reshapes {count} columns to {shape}")
    return value


def _concat(p: Pipeline, node: Any) -> Values:
    if attributes_of(node).get("axis", 1) not in (1, -1):
        raise UnsupportedError("it does not join columns")
    return [feature for name in node.input for feature in p.features(name)]


def _selected(p: Pipeline, node: Any) -> Values:
    features = p.features(node.input[0])
    if attributes_of(node).get("axis", 1) not in (1, -1):
        raise UnsupportedError("it does not select columns")
    return [features[at] for at in p.constant(node.input[1]).ravel().tolist()]


def _scaler(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    offsets = _for_each(fields.get("offset") or [0.0], features)
    scales = _for_each(fields.get("scale") or [1.0], features)
    return [
        feature.affine(offset, 1 / scale if scale else np.inf)
        for feature, offset, scale in zip(features, offsets, scales, strict=True)
    ]


def _for_each(values: Any, features: Values) -> Sequence[Any]:
    """Return a value for each feature, of as many or of one."""
    listed = np.asarray(values).ravel().tolist()
    if len(listed) not in (1, len(features)):
        raise UnsupportedError(f"it has {len(listed)} numbers for {len(features)} columns")
    return listed * len(features) if len(listed) < len(features) else listed


def _arithmetic(p: Pipeline, node: Any) -> Values:
    first = node.input[0] in p._values
    features = p.features(node.input[0] if first else node.input[1])
    numbers = _for_each(p.constant(node.input[1] if first else node.input[0]), features)
    if node.op_type == "Div" and not first:
        raise UnsupportedError("it divides a constant")
    results = []
    for feature, number in zip(features, numbers, strict=True):
        match node.op_type:
            case "Mul":
                results.append(feature.affine(0.0, 1 / number if number else np.inf))
            case "Div":
                results.append(feature.affine(0.0, number))
            case "Add":
                results.append(feature.affine(-number, 1.0))
            case _:
                results.append(feature.affine(number, 1.0 if first else -1.0))
    return results


def _clip(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    names = [*node.input[1:], "", ""][:2]
    ends = [
        float(p.constant(name)) if name else fields.get(key)
        for name, key in zip(names, ("min", "max"), strict=True)
    ]
    if None in ends:
        raise UnsupportedError("it clips on one side")
    return [feature.clip(*ends) for feature in features]


def _imputer(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    if not np.isnan(fields.get("replaced_value_float", 0.0)):
        raise UnsupportedError("it replaces numbers, not missing values")
    values = _for_each(fields.get("imputed_value_floats") or [], features)
    return [
        feature.impute(float(value), "mean") for feature, value in zip(features, values, strict=True)
    ]


def _where(p: Pipeline, node: Any) -> Values:
    features = p.features(node.input[2])
    if p.missing(node.input[0]) != features:
        raise UnsupportedError("it does not fill what its condition is about")
    values = _for_each(p.constant(node.input[1]), features)
    return [
        feature.impute(value, "most_frequent")
        for feature, value in zip(features, values, strict=True)
    ]


def _one_hot(p: Pipeline, node: Any) -> Values:
    features, fields = p.features(node.input[0]), attributes_of(node)
    if len(features) != 1:
        raise UnsupportedError(f"it encodes {len(features)} columns")
    categories = fields.get("cats_strings") or fields.get("cats_int64s") or []
    return features[0].one_hot(categories, unknown="zeros" if fields.get("zeros", 1) else "error")


def _label_encoder(p: Pipeline, node: Any) -> Values | Missing:
    features, fields = p.features(node.input[0]), attributes_of(node)
    keys = _first(fields, "keys_strings", "keys_int64s", "keys_floats", "keys_tensor")
    values = _first(fields, "values_int64s", "values_floats", "values_tensor")
    default = _first(fields, "default_int64", "default_float", "default_tensor")
    if keys is None or values is None:
        raise UnsupportedError("it does not encode as numbers")
    default = [-1 if "values_int64s" in fields else 0.0] if default is None else default
    (other,) = np.ravel(default).tolist()
    if keys == [""] and [*values] == [1] and other == 0:
        return Missing(features)
    return [feature.encode(keys, values, other) for feature in features]


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if name in fields), None)


OPERATIONS: dict[str, Callable[[Pipeline, Any], Values | Missing]] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _arithmetic),
    **dict.fromkeys(("ArrayFeatureExtractor", "Gather"), _selected),
    **dict.fromkeys(("Identity", "Flatten"), _same),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "FeatureVectorizer": _concat,
    "Imputer": _imputer,
    "LabelEncoder": _label_encoder,
    "OneHotEncoder": _one_hot,
    "Reshape": _reshape,
    "Scaler": _scaler,
    "Where": _where,
}
"""What reads the nodes before the network."""


def _matmul(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    return p.constant(node.input[1]).astype(float), None


def _gemm(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    fields = attributes_of(node)
    if fields.get("transA"):
        raise UnsupportedError("it transposes its first input")
    weights = p.constant(node.input[1]).astype(float) * fields.get("alpha", 1.0)
    weights = weights.T if fields.get("transB") else weights
    if len(node.input) < 3 or not node.input[2]:
        return weights, None
    biases = p.constant(node.input[2]).astype(float) * fields.get("beta", 1.0)
    return weights, np.broadcast_to(biases.ravel(), weights.shape[1])


def _linear_regressor(p: Pipeline, node: Any) -> tuple[Array, Array | None]:  # noqa: ARG001
    weights, biases, transform = linear(node)
    if transform != "NONE" or len(biases) != attributes_of(node).get("targets", 1):
        raise UnsupportedError(f"post_transform {transform} of {len(biases)} intercepts")
    return weights, biases


def _normalizer(p: Pipeline, node: Any) -> tuple[Array, Array | None]:
    norm = attributes_of(node).get("norm", "MAX")
    if norm != "L2":
        raise UnsupportedError(f"it divides each row by its {norm} norm; supported: L2")
    return np.eye(len(p.features(node.input[0]))), None


NETWORK: dict[str, Callable[[Pipeline, Any], tuple[Array, Array | None]]] = {
    "Gemm": _gemm,
    "LinearRegressor": _linear_regressor,
    "MatMul": _matmul,
    "Normalizer": _normalizer,
}
"""What returns the weights and biases of the first nodes of a network."""

class PipelineSession:
    """The file's own pipeline, as onnxruntime computes it, or ONNX's reference where it cannot.

    Args:
        model: the whole model.
        pipeline: what was read from it.
    """

    def __init__(self, model: Any, pipeline: Pipeline) -> None:
        self._pipeline, head = pipeline, pipeline.head
        self._names = [head.scores, *([head.label] if head.label else [])]
        other, needed, nodes = onnx.ModelProto(), {*self._names}, list[Any]()
        other.CopyFrom(model)
        for node in reversed(model.graph.node):
            if needed & {*node.output}:
                needed |= {*node.input}
                nodes.append(node)
        del other.graph.node[:], other.graph.output[:]
        other.graph.node.extend(reversed(nodes))
        other.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in self._names)
        try:
            self._session = session_of(other)
        except Exception:  # of several types, e.g. it has no Imputer of doubles
            self._session = ReferenceEvaluator(other)

    def run(self, columns: Mapping[str, Array]) -> tuple[Array, list[Any], Array]:
        """Return the outputs of rows, the classes, and whether each row is predicted.

        Raises:
            DataError: no row can be predicted.
        """
        count = len(next(iter(columns.values())))
        try:
            outputs, classes = self._outputs(columns, slice(None))
            valid = np.ones(count, bool)
        except Exception as whole:  # of several types: a row cannot be predicted
            rows = [self._row(columns, row) for row in range(count)]
            valid = np.array([row is not None for row in rows])
            usual = next((row for row in rows if row is not None), None)
            if usual is None:
                raise DataError(f"the file cannot be run: {first_line(whole)}") from None
            parts = [usual if row is None else row for row in rows]
            outputs = np.concatenate([part for part, _ in parts])
            classes = [label for _, part in parts for label in part]
        valid &= np.isfinite(outputs).all(axis=1)
        return np.where(valid[:, None], outputs, 0.0), classes, valid

    def _row(self, columns: Mapping[str, Array], row: int) -> tuple[Array, list[Any]] | None:
        try:
            return self._outputs(columns, slice(row, row + 1))
        except Exception:  # of several types
            return None

    def _outputs(self, columns: Mapping[str, Array], rows: slice) -> tuple[Array, list[Any]]:
        head, count = self._pipeline.head, len(next(iter(columns.values()))[rows])
        feeds = {value.name: value.of(columns, rows, count) for value in self._pipeline.inputs}
        scores, *labels = self._session.run(self._names, feeds)
        scores = np.asarray(scores, float).reshape(count, -1)
        if labels:
            classes = np.ravel(labels[0]).tolist()
        else:
            named = head.classes or []
            classes = [named[at] for at in scores.argmax(axis=1)] if named else []
        return (scores[:, 1:] if head.kind == "binary" else scores), classes
