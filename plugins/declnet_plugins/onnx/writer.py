"""The graph of an ONNX file while it is written: values, constants and nodes with unique names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

ML = "ai.onnx.ml"
"""The domain of the operators for tables, such as LabelEncoder."""

ML_OPSET = 3
"""Its version: the oldest with all that is used, for old runtimes."""

TYPES: dict[str, int] = {
    "float32": 1,
    "float64": 11,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "text": 8,
    "uint8": 2,
}
"""The number of each type of values in ONNX's TensorProto.DataType."""

GIVING = {
    "Equal": "bool",
    "Greater": "bool",
    "GreaterOrEqual": "bool",
    "Less": "bool",
    "LessOrEqual": "bool",
    "Not": "bool",
    "And": "bool",
    "Or": "bool",
    "IsNaN": "bool",
    "IsInf": "bool",
    "RegexFullMatch": "bool",
    "ArgMax": "int64",
    "Shape": "int64",
}
"""The type of an operator's output, if it differs from its first input's."""


class GraphWriter:
    """A builder of graph nodes; values are named by strings.

    All values have a known type: `"float32"`, `"float64"`, `"int64"`, `"int32"`, `"bool"`,
    `"uint8"` or `"text"`. The first axis of every value is the batch unless it is a constant.

    Args:
        opset: the version of the operators.

    Attributes:
        opset: as given.
        refused: what `refuse` was called with.
    """

    def __init__(self, opset: int) -> None:
        import onnx

        self._onnx: Any = onnx
        self.opset = opset
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._constants: dict[tuple[Any, ...], str] = {}
        self._initializers: list[Any] = []
        self._types: dict[str, str] = {}
        self._used: dict[str, int] = {}
        self._domains: set[str] = {""}
        self.refused: list[str] = []
        self._scope = ""

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Begin the names of all nodes added meanwhile with a name."""
        before, self._scope = self._scope, f"{name}/"
        try:
            yield
        finally:
            self._scope = before

    def type_of(self, value: str) -> str:
        """Return the type of a value."""
        return self._types[value]

    def input(self, name: str, kind: str, shape: Sequence[int | str]) -> str:
        """Add an input of the graph; sizes that may differ from call to call have names."""
        self._types[name] = kind
        self._used[name] = 1
        self._inputs.append(
            self._onnx.helper.make_tensor_value_info(name, TYPES[kind], list(shape))
        )
        return name

    def output_value(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Make a value an output of the graph, with that name."""
        self._nodes.append(
            self._onnx.helper.make_node("Identity", [value], [name], name=f"output/{name}")
        )
        kind = self._types[value]
        self._types[name] = kind
        self._outputs.append(
            self._onnx.helper.make_tensor_value_info(name, TYPES[kind], list(shape))
        )

    def is_used(self, name: str) -> bool:
        """Return whether a value or a node has this name."""
        return name in self._used or name in self._types

    def constant(self, array: Any, kind: str | None = None) -> str:
        """Return a constant; equal ones are stored once.

        Args:
            array: an array, a number, or text.
            kind: its type; default: the type of the array.
        """
        values = np.asarray(array)
        if values.dtype.kind in "OU":
            kind, values = "text", np.asarray(array, object)  # fixed widths cut NUL at the end
            key: tuple[Any, ...] = ("text", values.shape, tuple(values.ravel().tolist()))
        else:
            values = np.ascontiguousarray(values, kind or _type_name(values.dtype))
            values = values.reshape(np.shape(array))  # contiguous arrays have an axis
            kind = _type_name(values.dtype)
            key = (kind, values.shape, values.tobytes())
        if key not in self._constants:
            name = self._unique("constant")
            self._constants[key] = name
            self._types[name] = kind
            if kind == "text":
                tensor = self._onnx.TensorProto(name=name, data_type=TYPES["text"])
                tensor.dims.extend(values.shape)  # onnx's function cuts NUL at the end, too
                tensor.string_data.extend(str(text).encode() for text in values.ravel())
            else:
                tensor = self._onnx.numpy_helper.from_array(values, name)
            self._initializers.append(tensor)
        return self._constants[key]

    def like(self, value: str, array: Any) -> str:
        """Return a constant of the type of a value."""
        return self.constant(array, self._types[value])

    def refuse(self, rows: str) -> None:
        """Report which rows cannot be predicted.

        Args:
            rows: booleans (n, …), of which a row has one that is true if it cannot be predicted.
        """
        self.refused.append(rows)

    def op(
        self,
        operator: str,
        *inputs: str,
        kind: str | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node with one output.

        Args:
            operator: e.g. `"Gemm"`.
            inputs: values; `""` for one that is left out.
            kind: the type of the output; default: the type of the first input, or what the operator
                always gives.
            domain: of the operator.
            attributes: of the node.

        Returns:
            The output.
        """
        kind = kind or GIVING.get(operator) or self._types[inputs[0]]
        return self.node(operator, inputs, (kind,), domain=domain, **attributes)[0]

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        kinds: Sequence[str | None],
        domain: str = "",
        **attributes: Any,
    ) -> tuple[str, ...]:
        """Add a node, given the types of its outputs (None for those that are left out)."""
        name = self._unique(f"{self._scope}{operator}")
        outputs = []
        for position, kind in enumerate(kinds):
            output = "" if kind is None else (f"{name}_{position}" if position else name)
            if kind is not None:
                self._types[output] = kind
            outputs.append(output)
        self._domains.add(domain)
        self._nodes.append(
            self._onnx.helper.make_node(
                operator, list(inputs), outputs, name=name, domain=domain, **attributes
            )
        )
        return tuple(outputs)

    def cast(self, value: str, kind: str) -> str:
        """Return a value in another type; itself if it has that type."""
        if self._types[value] == kind:
            return value
        return self.op("Cast", value, kind=kind, to=TYPES[kind])

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        """Return a value with other axes after the batch's; one of them may be -1."""
        return self.op("Reshape", value, self.constant([0, *shape], "int64"))

    def flat(self, value: str) -> str:
        """Return a value as (n,), of which each sample has one number."""
        return self.op("Reshape", value, self.constant([-1], "int64"))

    def rows(self, value: str) -> str:
        """Return a value as (n, numbers of a sample)."""
        return self.op("Flatten", value, axis=1)

    def expand(self, value: str, *axes: int) -> str:
        """Return a value with axes of size 1 at these positions."""
        return self.op("Unsqueeze", value, self.constant(list(axes), "int64"))

    def squeeze(self, value: str, *axes: int) -> str:
        """Return a value without these axes of size 1."""
        return self.op("Squeeze", value, self.constant(list(axes), "int64"))

    def transpose(self, value: str, *axes: int) -> str:
        """Return a value with its axes in another order."""
        return self.op("Transpose", value, perm=list(axes))

    def slice(self, value: str, axis: int, start: int, end: int) -> str:
        """Return some consecutive items along an axis."""
        bounds = ([start], [end], [axis])
        return self.op("Slice", value, *(self.constant(bound, "int64") for bound in bounds))

    def concat(self, values: Sequence[str], axis: int = 1) -> str:
        """Return values joined along an axis."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def reduce(self, operator: str, value: str, axes: Sequence[int], *, keep: bool = True) -> str:
        """Return a value reduced over axes: `"ReduceSum"`, `"ReduceMean"`, `"ReduceMax"`, …."""
        if not axes:  # with which the operators reduce over all
            return value
        keepdims = int(keep)
        if self.opset >= 18 or operator == "ReduceSum":
            axes_input = self.constant(list(axes), "int64")
            return self.op(operator, value, axes_input, keepdims=keepdims)
        return self.op(operator, value, axes=list(axes), keepdims=keepdims)

    def where(self, condition: str, value: str, other: str) -> str:
        """Return one value where a condition is true, another one elsewhere."""
        return self.op("Where", condition, value, other, kind=self._types[value])

    def clip(self, value: str, low: float | None = None, high: float | None = None) -> str:
        """Return a value limited to a range."""
        bounds = ("" if bound is None else self.like(value, bound) for bound in (low, high))
        return self.op("Clip", value, *bounds)

    def compute(self, operator: str, value: str, number: Any) -> str:
        """Return an operator of a value and a constant of its type: `"Add"`, `"Mul"`, …."""
        return self.op(operator, value, self.like(value, number))

    def table(self, value: str, keys: Sequence[Any], values: Sequence[int], default: int) -> str:
        """Return an integer for each key: text, or integers in int64."""
        text = self._types[value] == "text"
        if not keys:  # which the operator must have
            keys, values = ["" if text else 0], [default]
        attributes: dict[str, Any] = {("keys_strings" if text else "keys_int64s"): list(keys)}
        attributes |= {"values_int64s": list(values), "default_int64": default}
        return self.op("LabelEncoder", value, kind="int64", domain=ML, **attributes)

    def model(self, name: str, metadata: Mapping[str, str], producer: tuple[str, str]) -> Any:
        """Return the file's content: an `onnx.ModelProto`, checked and with all shapes inferred."""
        graph = self._onnx.helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, self._initializers
        )
        versions = [("", self.opset), *((ML, ML_OPSET) for domain in self._domains if domain == ML)]
        opsets = [self._onnx.helper.make_opsetid(*version) for version in versions]
        model = self._onnx.helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=self._onnx.helper.find_min_ir_version_for(opsets),
            producer_name=producer[0],
            producer_version=producer[1],
        )
        self._onnx.helper.set_model_props(model, dict(metadata))
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _unique(self, name: str) -> str:
        unique = name
        while unique in self._used:
            self._used[name] += 1
            unique = f"{name}_{self._used[name]}"
        self._used.setdefault(unique, 1)
        return unique


def _type_name(dtype: Any) -> str:
    name = np.dtype(dtype).name
    return "bool" if name == "bool_" else name
