"""An ONNX graph with all of its values for one random batch.

Used in a process with limits only: `declnet_plugins.onnx.importing.process` says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from declnet import Array, DataError
from declnet_plugins.onnx.importing.structure import (
    FILE_BYTES,
    first_line,
    printable,
    read_arrays,
    unsupported,
    verify_graph,
    verify_sizes,
)

BATCH = 3
"""Samples of the random batch, unless the file has a fixed number."""

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)

WITHOUT_NUMBERS = ("Shape", "Size")
"""Operators whose result depends on no number of their input."""


@dataclass(frozen=True, eq=False)
class Node:
    """A node of the graph.

    Attributes:
        operator: e.g. `"Gemm"`, or `"domain::Name"` outside of ai.onnx.
        name: what messages call it.
        inputs: the names of values, `""` where one is left out.
        outputs: the same.
        attributes: Python values, with NumPy arrays for tensors.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def input(self, position: int) -> str:
        """Return an input; `""` if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""


@dataclass(frozen=True)
class GraphInput:
    """An input: its type and shape, without the batch axis."""

    dtype: str
    shape: tuple[int, ...]


class Graph:
    """The nodes that some outputs need and, once computed, every value for a random batch.

    Args:
        path: the file.
        outputs: the values that are outputs of the network; default: all outputs of the graph that
            are floats.
        vocabulary: integers of inputs are below this.
        model: the model, if not all that is in the file.

    Raises:
        DataError: the file cannot be read, or holds what cannot be imported.
    """

    def __init__(
        self, path: Path, outputs: Sequence[str] = (), vocabulary: int = 2, *, model: Any = None
    ) -> None:
        self.path = path
        self._model = parsed(path) if model is None else model
        verify_graph(self._model, path)
        graph = self._model.graph
        known = {name for node in graph.node for name in node.output}
        known |= {value.name for value in graph.input}
        for name in outputs:
            if name not in known:
                raise DataError(f'{path} has no value "{name}"')
        floats = [value.name for value in graph.output if _element(value) in FLOATS]
        self.outputs = tuple(outputs) or tuple(floats)
        self.left_out = tuple(
            value.name for value in graph.output if value.name not in self.outputs
        )
        if not self.outputs:
            raise DataError(
                f"{path} has no output of floats", hint="name a value of the graph with outputs"
            )
        self._prune()
        self._stored = read_arrays(graph.initializer, path, path.stat().st_size)
        self.inputs = {
            value.name: _input(value) for value in graph.input if value.name not in self._stored
        }
        self.nodes = [_node(proto, at) for at, proto in enumerate(graph.node)]
        self._readers = Counter(name for node in self.nodes for name in node.inputs)
        self._readers.update(self.outputs)
        self._reading: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                self._reading.setdefault(name, []).append(node)
        self.batch = self._fixed_batch() or BATCH
        self._vocabulary = vocabulary
        self.values: dict[str, Array] = {**self._stored}

    def refused(self) -> list[str]:
        """Return the nodes that must not be run, each with the reason."""
        return [
            f"{self.nodes[at].operator} {self.nodes[at].name}: {reason}"
            for at, reason in unsupported(self._model.graph.node)
        ]

    def compute(self) -> None:
        """Compute every value for a random batch.

        Raises:
            DataError: the values are too large, or onnxruntime cannot run the model.
        """
        if not self.inputs:
            raise DataError(f"{self.path} computes its outputs from constants alone")
        computed = {name for node in self.nodes for name in node.outputs}
        verify_sizes(self._model, computed - self._varying, self.batch, self.path)
        names = [name for node in self.nodes for name in node.outputs if name]
        inputs = self.random_inputs(0)
        try:
            results = session_of(with_outputs(self._model, names)).run(names, inputs)
        except Exception as error:  # of several types; messages say nothing else
            message = f"{self.path}: onnxruntime cannot run the model: {first_line(error)}"
            raise DataError(message) from None
        pairs = zip(names, results, strict=True)
        self.values |= inputs
        self.values |= {name: value for name, value in pairs if isinstance(value, np.ndarray)}

    def is_constant(self, name: str) -> bool:
        """Return whether a value depends on no input."""
        return name not in self._varying

    def constant(self, name: str) -> Array:
        """Return a value that depends on no input."""
        return self.values[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a sample of a value."""
        return tuple(self.values[name].shape[1:])

    def readers(self, name: str) -> int:
        """Return how many nodes read a value; being an output counts too."""
        return self._readers[name]

    def nodes_reading(self, name: str) -> list[Node]:
        """Return the nodes that read a value."""
        return self._reading.get(name, [])

    def random_inputs(self, seed: int, samples: int | None = None) -> dict[str, Array]:
        """Return random inputs: normal draws, or integers from the vocabulary."""
        rng, n = np.random.default_rng(seed), samples or self.batch
        inputs = {}
        for name, info in self.inputs.items():
            shape = (n, *info.shape)
            if info.dtype.startswith("int"):
                inputs[name] = rng.integers(0, self._vocabulary, shape).astype(info.dtype)
            else:
                inputs[name] = rng.standard_normal(shape).astype(info.dtype)
        return inputs

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Return the outputs of the file's own network, as onnxruntime computes them."""
        session, parts = self._session_of_outputs, list[list[Array]]()
        n = len(next(iter(inputs.values())))
        step = self._fixed_batch() or n
        for start in range(0, n, step):
            rows = np.minimum(np.arange(start, start + step), n - 1)
            part = {name: array[rows] for name, array in inputs.items()}
            parts.append(session.run(list(self.outputs), part))
        return [np.concatenate(arrays)[:n] for arrays in zip(*parts, strict=True)]

    @cached_property
    def _session_of_outputs(self) -> Any:
        return session_of(with_outputs(self._model, self.outputs))

    @cached_property
    def _varying(self) -> set[str]:
        varying = set(self.inputs)
        for node in self.nodes:
            if node.operator not in WITHOUT_NUMBERS and varying & set(node.inputs):
                varying |= set(node.outputs) - {""}
        return varying

    def _prune(self) -> None:
        """Drop the nodes, inputs and arrays that no output needs."""
        graph = self._model.graph
        nodes, needed = needed_nodes(graph.node, self.outputs)
        for field, needed_items in (
            (graph.node, nodes),
            (graph.input, [value for value in graph.input if value.name in needed]),
            (graph.initializer, [array for array in graph.initializer if array.name in needed]),
            (graph.output, [value for value in graph.output if value.name in self.outputs]),
        ):
            if len(needed_items) < len(field):
                copies = [type(item).FromString(item.SerializeToString()) for item in needed_items]
                del field[:]
                field.extend(copies)

    def _fixed_batch(self) -> int | None:
        for value in self._model.graph.input:
            if value.name in self.inputs:
                first = value.type.tensor_type.shape.dim[0]
                return first.dim_value or None
        return None


def parsed(path: Path) -> Any:
    """Return the model in a file.

    Raises:
        DataError: it cannot be read, is too large, or is not a model.
    """
    try:
        size = path.stat().st_size
        if size > FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, more than {FILE_BYTES:,}")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise DataError(f"{path} is not a valid ONNX model: it cannot be decoded") from None
    if not model.opset_import or not model.graph.node:
        raise DataError(f"{path} is not a valid ONNX model: it has no nodes or no version")
    return model


def needed_nodes(
    nodes: Sequence[Any], outputs: Iterable[str], known: Iterable[str] = ()
) -> tuple[list[Any], set[str]]:
    """Return the nodes that some values need, in order, and the names of all that they read.

    Args:
        nodes: the nodes of a graph.
        outputs: the names of the values.
        known: values that need no node.
    """
    needed, chosen = {*outputs}, list[Any]()
    for node in reversed(nodes):
        if (needed - {*known}) & {*node.output}:
            needed |= {*node.input}
            chosen.append(node)
    return chosen[::-1], needed


def session_of(model: Any) -> Any:
    """Return onnxruntime's session of a model, which computes it node by node."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=providers)


def with_outputs(model: Any, names: Sequence[str]) -> Any:
    """Return a model with some values as outputs, and the nodes that they need."""
    other, (nodes, _) = onnx.ModelProto(), needed_nodes(model.graph.node, names)
    other.CopyFrom(model)
    del other.graph.node[:], other.graph.output[:]
    other.graph.node.extend(nodes)
    other.graph.output.extend(map(helper.make_empty_tensor_value_info, names))
    return other


def part_of(
    model: Any,
    nodes: Sequence[Any],
    constants: Mapping[str, Array],
    outputs: Sequence[str],
    inputs: Mapping[str, Sequence[int | str]] | None = None,
) -> Any:
    """Return the model of some nodes, with the constants that they read.

    Args:
        model: the model whose versions of operators it has.
        nodes: the nodes in order.
        constants: arrays by name.
        outputs: the values to compute.
        inputs: the shape of each input of float32.
    """
    computed = {name for node in nodes for name in node.output} | {*(inputs or ())}
    read = {name for node in nodes for name in node.input} - computed
    stored = [
        numpy_helper.from_array(array, name) for name, array in constants.items() if name in read
    ]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (inputs or {}).items()
    ]
    ends = [*map(helper.make_empty_tensor_value_info, outputs)]
    graph = helper.make_graph(nodes, "part", values, ends, stored)
    versions = {version.domain.removesuffix("ai.onnx"): version for version in model.opset_import}
    versions.setdefault("", helper.make_opsetid("", 13))
    return helper.make_model(graph, opset_imports=[*versions.values()], ir_version=model.ir_version)


def _element(value: Any) -> int:
    return int(value.type.tensor_type.elem_type)


def _input(value: Any) -> GraphInput:
    tensor = value.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return GraphInput(dtype, tuple(dim.dim_value for dim in tensor.shape.dim[1:]))


def _node(proto: Any, position: int) -> Node:
    attributes = {attribute.name: _attribute(attribute) for attribute in proto.attribute}
    operator = f"{proto.domain}::{proto.op_type}" if proto.domain else proto.op_type
    name = proto.name or f"{proto.op_type} {position + 1}"
    return Node(
        printable(operator), printable(name), tuple(proto.input), tuple(proto.output), attributes
    )


def _attribute(proto: Any) -> Any:
    value = helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return printable(value)
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [printable(text) for text in value]
    return value
