"""The Open Inference Protocol, version 2, over REST: tensors by name, in row-major order.

https://github.com/kserve/open-inference-protocol (specification/protocol/inference_rest.md). Null,
which the protocol does not have, is a missing value.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from declnet import Array
from declnet_plugins.serve.answers import Call, Protocol
from declnet_plugins.serve.bodies import first_repeated, kind_of, shown
from declnet_plugins.serve.problems import ProblemError
from declnet_plugins.serve.requests import Query

if TYPE_CHECKING:
    from declnet_plugins.serve.models import LoadedModel

INTEGERS = {f"{sign}{bits}": bits for sign in ("INT", "UINT") for bits in (8, 16, 32, 64)}
FLOATS = ("FP16", "FP32", "FP64")
DATATYPES = ("BOOL", *INTEGERS, *FLOATS, "BYTES")

MOST_AXES = 32
"""Sizes in a shape, at most."""

_OF_COLUMN = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "text": "BYTES"}
_OF_DTYPE = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "bool": "BOOL"}
_OF_CLASS = {int: "INT64", bool: "BOOL"}


class InferenceV2(Protocol):
    """A tensor for each column or array, and one for each column of the predictions."""

    def call(self, document: Any, model: LoadedModel, query: Query) -> Call:
        """Return what a request asks for; raise ProblemError if it is malformed."""
        if type(document) is not dict:
            raise ProblemError(400, f"the body is {kind_of(document)}, not an object")
        tensors = _objects(document, "inputs")
        if not tensors:
            raise ProblemError(400, "the body has no inputs")
        identifier = document.get("id")
        if identifier is not None and type(identifier) is not str:
            raise ProblemError(400, f"id is {kind_of(identifier)}, not text")
        inputs, outputs = _names(tensors, "input"), _names(_objects(document, "outputs"), "output")
        is_table = model.columns is not None
        arrays: dict[str, Any] = {
            name: _tensor(name, tensor, is_column=is_table)
            for name, tensor in zip(inputs, tensors, strict=True)
        }
        value: Any = arrays
        if model.columns is None and not model.inputs:
            if arrays.keys() != {"x"}:
                received = ", ".join(map(shown, arrays))
                raise ProblemError(400, f"the model has the input x, but the body has {received}")
            value = arrays["x"]
        parameters = document.get("parameters", {})
        if type(parameters) is not dict:
            raise ProblemError(400, f"parameters are {kind_of(parameters)}, not an object")
        known = [item for item in parameters.items() if item[0] in Query.names()]  # e.g. Triton's
        return Call(value, query.with_parameters(known), identifier, outputs or None)

    def document(
        self, columns: Mapping[str, Array], call: Call, model: LoadedModel
    ) -> dict[str, Any]:
        """Return the response, a tensor for each column."""
        unknown = [name for name in call.outputs or () if name not in columns]
        if unknown:
            raise ProblemError(
                400, f"no output {shown(unknown[0])}", f"outputs: {', '.join(columns)}"
            )
        document: dict[str, Any] = {"model_name": model.name, "model_version": model.version}
        if call.identifier is not None:
            document["id"] = call.identifier
        document["outputs"] = [_output(name, columns[name]) for name in call.outputs or columns]
        return document


def metadata(model: LoadedModel) -> dict[str, Any]:
    """Return the names, types and shapes of a model's tensors; -1 is the number of rows."""
    if model.columns is not None:
        inputs = [
            _described(column.name, _OF_COLUMN.get(column.type or "", "BYTES"))
            for column in model.columns
        ]
    else:
        inputs = [
            _described(name or "x", "FP32", *shape) for name, shape in model.sample_shape.items()
        ]
    kinds = {"number": "FP32", "integer": "INT64", "boolean": "BOOL"}
    outputs = [_described(name, kinds.get(kind, "BYTES")) for name, kind in model.outputs.items()]
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "declnet",
        "inputs": inputs,
        "outputs": outputs,
    }


def _described(name: str, datatype: str, *shape: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *shape]}


def _objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = document.get(key, [])
    if type(values) is not list or not all(type(value) is dict for value in values):
        raise ProblemError(400, f"{key} is not a list of objects")
    return values


def _names(tensors: list[dict[str, Any]], what: str) -> tuple[str, ...]:
    names = tuple(tensor["name"] for tensor in tensors if type(tensor.get("name")) is str)
    if len(names) < len(tensors):
        raise ProblemError(400, "a tensor has no name")
    twice = first_repeated(names)  # also so that a small body cannot ask for a large response
    if twice is not None:
        raise ProblemError(400, f"the {what} {shown(twice)} occurs twice")
    return names


def _tensor(name: str, tensor: dict[str, Any], *, is_column: bool) -> Any:
    """Return the values of an input: a list for a column, else an array."""
    shape, datatype = tensor.get("shape"), tensor.get("datatype")
    if not _is_shape(shape):
        help_ = f"a list of 1 to {MOST_AXES} sizes, the rows first"
        raise ProblemError(400, f"{shown(name)} has no shape", help_)
    if datatype not in DATATYPES:
        listed = ", ".join(DATATYPES)
        raise ProblemError(400, f"{shown(name)} has the datatype {shown(datatype)}", listed)
    if "data" not in tensor:
        raise ProblemError(
            400, f"{shown(name)} has no data", "send it as JSON (tritonclient: binary_data=False)"
        )
    values = _flat(name, tensor["data"], shape)
    accepted = _accepted(datatype)
    for position, value in enumerate(values):
        if type(value) not in accepted and not (is_column and value is None):
            raise ProblemError(
                400, f"{shown(name)} is {datatype}, but element {position + 1} is {kind_of(value)}"
            )
    if datatype in INTEGERS:
        _require_range(name, values, datatype)
    if is_column:
        if prod(shape[1:]) != 1:
            raise ProblemError(
                400, f"{shown(name)} has the shape {shape}, but is a column", "[rows] or [rows, 1]"
            )
        return values
    if datatype == "BYTES":
        raise ProblemError(400, f"{shown(name)} is BYTES, but the model takes numbers")
    if not values:
        raise ProblemError(422, f"{shown(name)} has no elements", "send at least one row")
    try:
        return np.array(values, float if datatype in FLOATS else np.int64).reshape(shape)
    except OverflowError:
        raise ProblemError(422, f"{shown(name)} has an integer of more than 63 bits") from None


def _is_shape(shape: Any) -> TypeGuard[list[int]]:
    """Return whether a value is a shape with few axes of moderate size, so its product is cheap."""
    if type(shape) is not list or not 1 <= len(shape) <= MOST_AXES:
        return False
    return all(type(size) is int and 0 <= size < 2**31 for size in shape)


def _flat(name: str, data: Any, shape: list[int]) -> list[Any]:
    """Return the elements of a tensor, which is nested as its shape says, or flat."""
    if type(data) is not list:
        raise ProblemError(400, f"the data of {shown(name)} is {kind_of(data)}, not a list")
    values: list[Any] = data
    if values and type(values[0]) is list:
        for depth, size in enumerate(shape[1:], start=1):
            if not all(type(value) is list and len(value) == size for value in values):
                message = f"the data of {shown(name)} does not have the shape {shape}"
                raise ProblemError(400, f"{message}, at depth {depth}")
            values = list(chain.from_iterable(values))
        if len(data) != shape[0]:
            raise ProblemError(
                400, f"{shown(name)} has the shape {shape}, but {len(data)} rows of data"
            )
    if len(values) != prod(shape):
        raise ProblemError(400, f"{shown(name)} has the shape {shape}, but {len(values)} elements")
    return values


def _accepted(datatype: str) -> tuple[type, ...]:
    if datatype in FLOATS:
        return (float, int)
    return {"BOOL": (bool,), "BYTES": (str,)}.get(datatype, (int,))


def _require_range(name: str, values: list[Any], datatype: str) -> None:
    span = 2 ** INTEGERS[datatype]
    low = 0 if datatype[0] == "U" else -span // 2
    for value in values:
        if value is not None and not low <= value < low + span:
            raise ProblemError(400, f"{shown(name)} is {datatype}, but has {shown(value)}")


def _output(name: str, column: Array) -> dict[str, Any]:
    datatype = _OF_DTYPE.get(column.dtype.name)
    data: Any = np.ascontiguousarray(column)
    if datatype is None:
        data = column.tolist()
        first = next((value for value in data if value is not None), "")
        datatype = _OF_CLASS.get(type(first), "BYTES")
    return {"name": name, "shape": [len(column)], "datatype": datatype, "data": data}
