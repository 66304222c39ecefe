"""What an ONNX file may hold: names, sizes and depth are bounded before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, shape_inference

from declnet import Array, DataError

FILE_BYTES = 2**31 - 1
"""A file, with what it keeps in others; Protocol Buffers allow no more."""

NODES = 10_000
"""Nodes of a graph."""

NAMES = 100_000
"""Inputs and outputs of nodes, their attributes, and stored arrays, together."""

ELEMENTS = 2**28
"""Numbers that the graph computes for one batch, together: 1 GiB in float32."""

CONSTANTS = 2**24
"""Numbers that it computes from constants alone, besides four times the stored ones."""

STATED = 1024
"""Stored arrays up to this size may state shapes, such as an expanded constant's."""

LONGEST_NAME = 80

INPUT_TYPES = frozenset(
    {
        *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16),
        *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
    }
)

COLUMN_TYPES = INPUT_TYPES | {TensorProto.STRING, TensorProto.BOOL}
"""What the columns of a table hold."""


def printable(text: str | bytes, longest: int = LONGEST_NAME) -> str:
    """Return a text of a file for messages: on one line, escaped, and not too long."""
    known = text.decode(errors="backslashreplace") if isinstance(text, bytes) else text
    shortened = known if len(known) <= longest else f"{known[: longest - 1]}…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in shortened
    )


def verify_graph(model: Any, path: Path, types: frozenset[int] = INPUT_TYPES) -> None:
    """Bound a file's graph, make its names valid, and drop its functions and their like.

    Args:
        model: the model, which is changed.
        path: the file.
        types: what inputs may hold.

    Raises:
        DataError: it has too many nodes or names, names that are not valid or not unique, nodes
            that read what no node before them computes, or arrays that it cannot hold.
    """
    _bound(model.graph, path)
    graph = model.graph
    del model.functions[:], model.training_info[:], graph.value_info[:]
    del graph.quantization_annotation[:]
    stored = [tensor.name for tensor in graph.initializer]
    inputs = [value.name for value in graph.input if value.name not in {*stored}]
    known = set[str]()
    for name in (*stored, *inputs):
        _define(name, known, path)
    for at, node in enumerate(graph.node):
        where = f'{path}: node {at + 1}, "{printable(node.name)}" ({printable(node.op_type)})'
        for text in (
            node.name,
            node.op_type,
            node.domain,
            *(attribute.name for attribute in node.attribute),
        ):
            _require_text(text, where)
        for name in node.input:
            if name and name not in known:
                raise DataError(
                    f'{where} reads "{printable(name)}", which nothing before it computes'
                )
        for name in filter(None, node.output):
            _define(name, known, path)
    for value in graph.output:
        if value.name not in known:
            raise DataError(f'{path}: nothing computes the output "{printable(value.name)}"')
    for value in graph.input:
        if value.name in inputs:
            _verify_input(value, path, types)


def _bound(graph: Any, path: Path) -> None:
    if len(graph.node) > NODES:
        raise DataError(f"{path} has {len(graph.node):,} nodes, more than {NODES:,}")
    names = sum(len(node.input) + len(node.output) + len(node.attribute) for node in graph.node)
    names += len(graph.initializer) + len(graph.input) + len(graph.output)
    if names > NAMES:
        raise DataError(f"{path} has {names:,} inputs, outputs and attributes; most are {NAMES:,}")
    if len(graph.sparse_initializer):
        raise DataError(f"{path} has sparse arrays, which cannot be imported")


def _define(name: str, known: set[str], path: Path) -> None:
    _require_text(name, f"{path}: a value")
    if not name or name in known:
        raise DataError(f'{path}: several values have the name "{printable(name)}"')
    known.add(name)


def _require_text(text: str | bytes, where: str) -> None:
    if isinstance(text, bytes):
        raise DataError(f'{where}: the name "{printable(text)}" is not valid UTF-8')


def _verify_input(value: Any, path: Path, types: frozenset[int]) -> None:
    tensor = value.type.tensor_type
    where = f'{path}: the input "{printable(value.name)}"'
    if tensor.elem_type not in types:
        raise DataError(f"{where} does not hold floats or signed integers, in one array")
    dims = [dim.dim_value for dim in tensor.shape.dim]
    if not dims or not all(dims[1:]):
        raise DataError(
            f"{where} has unknown sizes",
            hint="export it with fixed sizes; only the first, the batch, may be dynamic",
        )
    if min(dims) < 0:
        raise DataError(f"{where} has the size {min(dims)}")
    if prod(dims[1:]) * max(dims[0], 1) > ELEMENTS:
        raise DataError(f"{where} has {prod(dims):,} numbers; most are {ELEMENTS:,}")


def read_arrays(tensors: Iterable[Any], path: Path, size: int) -> dict[str, Array]:
    """Return stored arrays by name; arrays in another file next to it are read into the model.

    Args:
        tensors: the initializers.
        path: the file.
        size: the bytes of the file.

    Raises:
        DataError: an array has NaN or is not of the size that it states, or its file is not next to
            this one.
    """
    arrays = {}
    for tensor in tensors:
        where = f'{path}: the array "{printable(tensor.name)}"'
        if min(tensor.dims, default=0) < 0:
            raise DataError(f"{where} has the size {min(tensor.dims)}")
        try:
            if tensor.data_location == TensorProto.EXTERNAL:
                size += _read_beside(tensor, path, where)
                if size > FILE_BYTES:
                    raise DataError(f"{path} and its arrays have more than {FILE_BYTES:,} bytes")
            array = numpy_helper.to_array(tensor)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise DataError(f"{where} cannot be read: {printable(str(error), 200)}") from None
        if array.shape != tuple(tensor.dims):
            raise DataError(f"{where} has the shape {array.shape}, not {[*tensor.dims]}")
        if array.dtype.kind == "f" and np.isnan(array).any():
            count = np.count_nonzero(np.isnan(array))
            raise DataError(f"{where} has {count:,} values that are NaN")
        arrays[tensor.name] = array
    return arrays


def _read_beside(tensor: Any, path: Path, where: str) -> int:
    """Read an array from a file in the model's folder into the model; return its bytes."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    name = entries.get("location", "")
    file = path.parent / name
    if not name or name != Path(name).name or "\\" in name:
        raise DataError(f'{where} is in "{printable(name)}", which is not in the file\'s folder')
    if file.is_symlink() or not file.is_file():
        raise DataError(f"{where} is in {printable(str(file))}, which is not a regular file")
    offset = int(entries.get("offset", 0))
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    count = int(prod(tensor.dims) * kind.itemsize)
    if offset < 0 or count > FILE_BYTES or offset + count > file.stat().st_size:
        raise DataError(f"{where} is not within {printable(str(file))}")
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            tensor.raw_data = opened.read(count)
    except OSError as error:
        raise DataError(f"{where} cannot be read: {error.strerror}") from None
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return count


def unsupported(nodes: Sequence[Any]) -> Iterator[tuple[int, str]]:
    """Yield the position of each node that must not be run, and why."""
    for at, node in enumerate(nodes):
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            yield at, "it has a subgraph"
        elif any(
            tensor.data_location == TensorProto.EXTERNAL
            for attribute in node.attribute
            for tensor in (
                attribute.t,
                attribute.sparse_tensor.values,
                attribute.sparse_tensor.indices,
                *attribute.tensors,
            )
        ):
            yield at, "it reads another file"


def verify_sizes(model: Any, constants: set[str], batch: int, path: Path) -> None:
    """Infer the shapes of all values from the stated ones and bound them.

    Shapes that depend on computed values may stay unknown; the limits of the process bound them.

    Args:
        model: with the nodes to run alone.
        constants: values that depend on no input.
        batch: the size of a dynamic batch.
        path: the file.

    Raises:
        DataError: the values have too many numbers; it names the node at which they do.
    """
    skeleton, stored = _without_arrays(model, batch)
    try:
        inferred = shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except Exception as error:  # of several types; messages say nothing else
        raise DataError(f"{path} is not a valid ONNX model: {first_line(error)}") from None
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in inferred.value_info
    }
    varying, constant = 0, 0
    for node in model.graph.node:
        for name in node.output:
            dims = shapes.get(name, [0])
            where = f'{path}: node "{printable(node.name)}" ({printable(node.op_type)})'
            if min(dims, default=0) < 0:
                raise DataError(f"{where} has an output of the size {min(dims)}")
            if name in constants:
                constant += prod(dims)
            else:
                varying += prod(dims)
            limit = CONSTANTS + 4 * stored if name in constants else ELEMENTS
            if (constant if name in constants else varying) > limit:
                what = "constants" if name in constants else "one batch"
                raise DataError(
                    f"{where} has an output of the shape {dims}; the graph may compute "
                    f"{limit:,} numbers of {what}"
                )


def _without_arrays(model: Any, batch: int) -> tuple[Any, int]:
    """Return a copy whose large arrays are inputs, and how many numbers are stored."""
    skeleton = type(model)()
    skeleton.ir_version = model.ir_version
    skeleton.opset_import.extend(model.opset_import)
    skeleton.graph.name = "skeleton"
    skeleton.graph.node.extend(model.graph.node)
    stored = 0
    names = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in names:
            copy = skeleton.graph.input.add()
            copy.CopyFrom(value)
            first = copy.type.tensor_type.shape.dim[0]
            first.dim_value = first.dim_value or batch
    for tensor in model.graph.initializer:
        size = prod(tensor.dims)
        stored += size
        if size <= STATED:
            skeleton.graph.initializer.add().CopyFrom(tensor)
        skeleton.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    return skeleton, stored


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type if there is none."""
    lines = str(error).strip().splitlines()
    return printable(lines[0], 300) if lines else type(error).__name__
