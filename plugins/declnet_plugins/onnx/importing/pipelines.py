"""Pipelines as skl2onnx writes them: columns, their preparation, and a network of features.

The nodes before the network are read as operations on features; the remaining graph has one
input and is read as layers like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from declnet import Array, ColumnType
from declnet_plugins.exchange import Feature, Prepared, PreparedTable, UnsupportedError
from declnet_plugins.onnx.importing.graph import needed_nodes, part_of, session_of
from declnet_plugins.onnx.importing.heads import ML, Head, Outputs, product
from declnet_plugins.onnx.importing.operations import NETWORK, OPERATIONS, Missing, Values
from declnet_plugins.onnx.importing.structure import printable

KINDS: dict[int, ColumnType] = {
    TensorProto.STRING: "text",
    TensorProto.BOOL: "boolean",
    **dict.fromkeys((TensorProto.INT64, TensorProto.INT32), "integer"),
    TensorProto.FLOAT: "number",
}
"""The kinds of columns by the types of inputs."""

SUPPORTED = (
    "Scaler, Imputer, OneHotEncoder, LabelEncoder, Normalizer, FeatureVectorizer, "
    "LinearClassifier, LinearRegressor, ZipMap; scaling and joining of columns, and layers"
)

FEATURES = "features"
"""The input of the network."""


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
    """An input of the file: the columns that it takes, their kind, and the type of its array."""

    name: str
    columns: tuple[str, ...]
    kind: ColumnType
    dtype: Any

    def of(self, columns: Mapping[str, Array], rows: slice, count: int) -> Array:
        """Return rows as the file takes them; columns that it does not use hold zeros."""
        arrays = []
        for name in self.columns:
            array = columns[name][rows] if name in columns else np.zeros(count)
            if self.kind == "text":
                array = np.array([cell if isinstance(cell, str) else "" for cell in array], object)
            arrays.append(array.astype(self.dtype))
        return np.stack(arrays, axis=1)


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
        self.head: Head = Outputs(model, self._constants).head()
        self.leftovers: list[str] = []
        self.inputs = self._raw_inputs(columns)
        self._values: dict[str, Values | Missing] = {}
        for value in self.inputs:
            self._values[value.name] = [
                Feature.of(Prepared(name, value.kind)) for name in value.columns
            ]
        self._matrix: Values | None = None
        self._nodes: list[Any] = []
        self._unknown: set[str] = set()
        nodes, used = needed_nodes([*model.graph.node, *self.head.added], [self.head.core])
        for node in nodes:
            self._read(node)
        if self._matrix is None and not self.leftovers:
            self.leftovers.append("no network follows the preparation")
        table = self._table
        if not self.leftovers and table is not None:
            self.table, self.network = table, self._model_of(table)
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
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            inputs.append(RawInput(value.name, names, KINDS[tensor.elem_type], dtype))
        count = sum(len(value.columns) for value in inputs)
        if columns:
            if len(columns) != count:
                raise UnsupportedError(f"it has {count} columns, not {len(columns)}")
            in_order = iter(columns)
            inputs = [
                replace(value, columns=tuple(islice(in_order, len(value.columns))))
                for value in inputs
            ]
        if len({name for value in inputs for name in value.columns}) < count:
            raise UnsupportedError("several columns have the same name; name them with columns")
        return inputs

    def _read(self, node: Any) -> None:
        """Read a node as an operation on features, or as a part of the network."""
        inputs = [name for name in node.input if name]
        if self._unknown & {*inputs}:
            self._unknown |= {*node.output}
            return
        if all(name in self._constants for name in inputs):
            names = [name for name in node.output if name]
            alone = session_of(part_of(self._model, [node], self._constants, names))
            self._constants |= zip(names, alone.run(names, {}), strict=True)
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
            weights, biases = NETWORK["LinearRegressor"](self, node)
            self._nodes += product(node.name, node.input[0], weights, biases, node.output[0])
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

    def is_constant(self, name: str) -> bool:
        """Return whether a value is the same for all rows."""
        return name in self._constants

    def value(self, name: str) -> Values | Missing:
        """Return a value that depends on the rows; raise UnsupportedError if it does not."""
        if name not in self._values:
            raise UnsupportedError("it reads what is not a column")
        return self._values[name]

    def features(self, name: str) -> Values:
        """Return a value as features.

        Raises:
            UnsupportedError: it is something else.
        """
        value = self.value(name)
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
        shapes = {FEATURES: ("n", width)}
        return part_of(self._model, self._nodes, self._constants, [self.head.core], shapes)
