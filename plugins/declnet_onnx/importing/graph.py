"""An ONNX graph with all of its values for one random batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from declnet import Array, DataError

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
    """The nodes that some outputs need, and every value for a random batch.

    Args:
        path: the file.
        outputs: the values that are outputs of the network; default: all outputs of the graph that
            are floats.
        vocabulary: integers of inputs are below this.

    Raises:
        DataError: onnxruntime cannot run the file, or an input has unknown sizes.
    """

    def __init__(self, path: Path, outputs: Sequence[str] = (), vocabulary: int = 2) -> None:
        try:
            self._model = onnx.load(path)
            self._session = _session(self._model)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from None
        except Exception as error:
            raise DataError(f"{path} is not a valid ONNX model: {_first_line(error)}") from None
        graph = self._model.graph
        self._stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        for name, array in self._stored.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                count = np.count_nonzero(np.isnan(array))
                raise DataError(f'{path}: the initializer "{name}" has {count} values that are NaN')
        self.inputs = {
            each.name: _input(each, path) for each in graph.input if each.name not in self._stored
        }
        known = {name for each in graph.node for name in each.output} | self.inputs.keys()
        for name in outputs:
            if name not in known:
                raise DataError(f'{path} has no value "{name}"')
        given = [each.name for each in graph.output if _element(each) in FLOATS]
        self.outputs = tuple(outputs) or tuple(given)
        self.left_out = tuple(each.name for each in graph.output if each.name not in self.outputs)
        if not self.outputs:
            raise DataError(
                f"{path} has no output of floats", hint="name a value of the graph with outputs"
            )
        self.nodes = self._needed([_node(each, at) for at, each in enumerate(graph.node)])
        self._readers = Counter(name for node in self.nodes for name in node.inputs)
        self._readers.update(self.outputs)
        self.batch = self._fixed_batch() or BATCH
        self._vocabulary = vocabulary
        self.values = self._computed()

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
        return [each for each in self.nodes if name in each.inputs]

    def random_inputs(self, seed: int, samples: int | None = None) -> dict[str, Array]:
        """Return random inputs: normal draws, or integers from the vocabulary."""
        rng, n = np.random.default_rng(seed), samples or self.batch
        found = {}
        for name, each in self.inputs.items():
            shape = (n, *each.shape)
            if each.dtype.startswith("int"):
                found[name] = rng.integers(0, self._vocabulary, shape).astype(each.dtype)
            else:
                found[name] = rng.standard_normal(shape).astype(each.dtype)
        return found

    def run(self, inputs: Mapping[str, Array]) -> list[Array]:
        """Return the outputs of the file's own network, as onnxruntime computes them."""
        session, found = self._session_of_outputs, list[list[Array]]()
        n = len(next(iter(inputs.values())))
        step = self._fixed_batch() or n
        for start in range(0, n, step):
            rows = np.minimum(np.arange(start, start + step), n - 1)
            part = {name: each[rows] for name, each in inputs.items()}
            found.append(session.run(list(self.outputs), part))
        return [np.concatenate(each)[:n] for each in zip(*found, strict=True)]

    @cached_property
    def _session_of_outputs(self) -> Any:
        return _session(_with_outputs(self._model, self.outputs))

    @cached_property
    def _varying(self) -> set[str]:
        varying = set(self.inputs)
        for node in self.nodes:
            if node.operator not in WITHOUT_NUMBERS and varying & set(node.inputs):
                varying |= set(node.outputs) - {""}
        return varying

    def _needed(self, nodes: list[Node]) -> list[Node]:
        wanted, found = set(self.outputs), list[Node]()
        for node in reversed(nodes):
            if wanted & set(node.outputs):
                wanted |= set(node.inputs)
                found.append(node)
        return found[::-1]

    def _fixed_batch(self) -> int | None:
        for each in self._model.graph.input:
            if each.name in self.inputs:
                first = each.type.tensor_type.shape.dim[0]
                return first.dim_value or None
        return None

    def _computed(self) -> dict[str, Array]:
        names = [name for node in self.nodes for name in node.outputs if name]
        inputs = self.random_inputs(0)
        try:
            found = _session(_with_outputs(self._model, names)).run(names, inputs)
        except Exception as error:
            raise DataError(f"onnxruntime cannot run the model: {_first_line(error)}") from None
        return {**self._stored, **inputs, **dict(zip(names, found, strict=True))}


def _session(model: Any) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=providers)


def _with_outputs(model: Any, names: Sequence[str]) -> Any:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    del other.graph.output[:]
    other.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return other


def _element(value: Any) -> int:
    return int(value.type.tensor_type.elem_type)


def _input(value: Any, path: Path) -> GraphInput:
    dims = value.type.tensor_type.shape.dim
    shape = tuple(each.dim_value for each in dims[1:])
    if not len(dims) or not all(shape):
        raise DataError(
            f'{path}: the input "{value.name}" has unknown sizes',
            hint="export it with fixed sizes; only the first, the batch, may be dynamic",
        )
    dtype = helper.tensor_dtype_to_np_dtype(_element(value)).name
    return GraphInput(dtype, shape)


def _node(proto: Any, position: int) -> Node:
    attributes = {each.name: _attribute(each) for each in proto.attribute}
    operator = f"{proto.domain}::{proto.op_type}" if proto.domain else proto.op_type
    name = proto.name or f"{proto.op_type} {position + 1}"
    return Node(operator, name, tuple(proto.input), tuple(proto.output), attributes)


def _attribute(proto: Any) -> Any:
    value = helper.get_attribute_value(proto)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [each.decode() for each in value]
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
