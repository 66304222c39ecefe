"""The ONNX graph between the translated components: columns, joined inputs, and outputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from declnet import (
    Array,
    ColumnError,
    Shape,
    missing_values,
)
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedInput,
    ExportedModel,
    ExportedOutput,
    ExportedStep,
    TranslationSite,
    WrittenOutput,
)
from declnet_plugins.onnx.writer import TYPES, GraphWriter
from declnet_plugins.recording import SampleProgram

BATCH = "n"
"""The name of the batch axis."""

INTEGERS = {"int64", "int32", "uint8", "bool"}

LARGEST_INTEGER = 2.0**62

FIRST = "remove spaces and tabs around the text"
"""What a caller does with the text of a table, since no operator does it."""

KINDS = {"number": "float64", "integer": "int64", "boolean": "bool", "text": "text"}
"""The type of an input for each type of column."""


class ModelWriter(GraphWriter):
    """A writer of a model into a graph, through translations.

    An input is named for its column: text, doubles, integers (int64) or booleans (n,); arrays of a
    model without a table in the type of the data. A column of integers whose preparation
    accepts missing values holds doubles, where NaN is a missing value. A missing text is empty.

    Args:
        opset: the version of the operators.
        model: the model.

    Attributes:
        described: for each output, what the graph's outputs of it are, for `OnnxPredictor`.
    """

    def __init__(self, opset: int, model: ExportedModel) -> None:
        super().__init__(opset)
        self._model = model
        self.described: list[dict[str, Any]] = []
        self._predicted: list[tuple[ExportedOutput, dict[str, tuple[str, Shape]]]] = []

    def column(self, column: ExportedColumn) -> str:
        """Add an input for a raw column; of windows, all rows of all samples are returned."""
        kind = self._kind(column)
        if column.window is None:
            value = self.input(column.name, kind, [BATCH, *column.shape])
        else:
            value = self.flat(self.input(column.name, kind, [BATCH, column.window]))
        with self.scope(f"column_{len(self._inputs)}"):
            if kind == "text" and not column.shape:
                return self._with_empty_markers(value, column.missing)
            if column.type == "boolean" and kind != "bool":
                is_boolean = self.op("Equal", value, self.op("Mul", value, value))
                self.refuse(self.op("Not", self.op("Or", is_boolean, self.op("IsNaN", value))))
        return value

    def _with_empty_markers(self, text: str, missing: Sequence[str]) -> str:
        """Return text that is empty where it means a missing value."""
        markers = [marker for marker in missing if marker]
        if not markers:
            return text
        is_marker = self.table(text, markers, [1] * len(markers), 0)
        return self.where(self.compute("Equal", is_marker, 1), self.constant(""), text)

    def _kind(self, column: ExportedColumn) -> str:
        examples = self._model.examples.get(column.name)
        if column.shape and examples is not None and examples.dtype.name in TYPES:
            return examples.dtype.name
        whole = column.type in ("integer", "boolean")
        if whole and self._takes_missing(column):
            gaps = examples is not None and bool(missing_values(examples).any())
            return "float64" if gaps or column.type == "integer" else "bool"
        return KINDS[column.type]

    def _takes_missing(self, column: ExportedColumn) -> bool:
        """Return whether the column's preparation accepts a missing value."""
        for member in self._model.members:
            steps = [step for step in member.steps if step.column == column.name]
            if not steps or not _accepts(steps, np.array([np.nan])):
                return False
        return True

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[str]) -> str:
        """Return an input of the network, float32 or int64."""
        integers = joined.dtype == "integer" or joined.part == "lengths"
        with self.scope(name):
            target = "int64" if integers else "float32"
            if len(columns) == 1:
                x = columns[0]
            else:
                kinds = {self.type_of(column) for column in columns}
                common = target if integers and kinds <= INTEGERS else "float64"
                x = self.concat([self.rows(self.cast(column, common)) for column in columns])
            x = self.cast(self._usable(x, joined.limit, target), target)
            if joined.window is not None:
                return self.op("Reshape", x, self.constant([-1, *joined.shape], "int64"))
            return self.reshape(x, joined.shape)

    def _usable(self, x: str, limit: int | None, target: str) -> str:
        """Refuse numbers that layers do not take; return such that none is beyond a table."""
        kind = self.type_of(x)
        is_float = kind.startswith("float")
        conditions = []
        if is_float:
            largest = float(np.finfo("float32").max) if target == "float32" else LARGEST_INTEGER
            conditions.append(self.compute("LessOrEqual", self.op("Abs", x), largest))
        if limit is not None and kind != "bool":
            x = x if is_float else self.cast(x, "int64")
            conditions.append(self.compute("GreaterOrEqual", x, 0))
            conditions.append(self.compute("LessOrEqual", x, limit))
            if is_float:
                conditions.append(self.op("Equal", x, self.op("Floor", x)))
        if not conditions:
            return x
        usable = conditions[0]
        for condition in conditions[1:]:
            usable = self.op("And", usable, condition)
        self.refuse(self.op("Not", usable))
        if target == "float32":
            return x
        return self.where(usable, x, self.like(x, 0)) if is_float else self.clip(x, 0, limit)

    def program(self, site: TranslationSite, program: SampleProgram) -> tuple[str, ...]:
        """Add the nodes of a recorded program."""
        from declnet_plugins.onnx.recorded import write_program

        with self.scope(site.name):
            return write_program(self, site, program)

    def reshaped(self, name: str, handle: str, shape: Shape) -> str:
        """Return the same numbers in another shape."""
        with self.scope(name):
            return self.reshape(handle, shape)

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Compute the outputs of a loss: `label` and `probabilities`, or `prediction`; and limits.

        `finish` declares them.
        """
        with self.scope(output.name or "output"):
            y = self.cast(written.predictions, "float32")
            largest = float(np.finfo("float32").max)
            finite = self.compute("LessOrEqual", self.op("Abs", y), largest)
            self.refuse(self.op("Not", finite))
            named = self._values(output, y) if output.task == "values" else self._labels(output, y)
            for name, bound in (("lower", written.lower), ("upper", written.upper)):
                if bound is not None:
                    shape = output.interval_shape
                    named[name] = (self.cast(bound, "float32"), shape)
            if written.sets is not None:
                named["sets"] = (written.sets, (len(output.classes or ()),))
        self._predicted.append((output, named))

    def finish(self) -> None:
        """Declare the outputs, and `valid`: elsewhere, what they have means nothing."""
        first = next(iter(self._predicted[0][1].values()))[0]
        valid = self._valid(first)
        for output, named in self._predicted:
            about: dict[str, Any] = {
                "name": output.name,
                "sort": output.task,
                "shape": output.shape,
            }
            for name, (value, shape) in named.items():
                full_name = f"{output.name}_{name}" if output.name else name
                about[name] = self._declared(full_name, value, shape)
            if output.class_names is not None:
                about["classes"] = output.class_names
            if output.task in ("binary", "flags"):
                about["threshold"] = output.threshold
            self.described.append(about)
        name = self._declared("valid", valid, ())
        for about in self.described:
            about["valid"] = name

    def _declared(self, name: str, value: str, shape: Shape) -> str:
        """Make a value an output of the graph, and return its name, which resembles a name."""
        while self.is_used(name):
            name = f"predicted_{name}"
        self.output_value(name, value, [BATCH, *shape])
        return name

    def _valid(self, predicted: str) -> str:
        """Return which rows are not refused, (n,)."""
        windows = any(column.window for column in self._model.columns)
        with self.scope("valid"):
            flags = []
            for rows in self.refused:
                flag = self.cast(rows, "float32")
                if windows:
                    count = self.op("Shape", predicted, start=0, end=1)
                    sizes = self.op("Concat", count, self.constant([-1], "int64"), axis=0)
                    flag = self.op("Reshape", flag, sizes)
                flags.append(self.reduce("ReduceMax", self.rows(flag), [1]))
            refused = self.reduce("ReduceMax", self.concat(flags), [1], keep=False)
            return self.compute("Less", refused, 0.5)

    def _values(self, output: ExportedOutput, y: str) -> dict[str, tuple[str, Shape]]:
        single = bool(output.shape) and prod(output.shape) == 1
        return {"prediction": (self.flat(y), ()) if single else (y, output.shape)}

    def _labels(self, output: ExportedOutput, y: str) -> dict[str, tuple[str, Shape]]:
        numbers = "scores" if output.scores else "probabilities"
        if output.task == "classes":
            label = self.op("ArgMax", y, axis=1, keepdims=0)
            return {"label": (self._class_of(output, label), ()), numbers: (y, output.shape)}
        count = prod(output.shape)
        rows = self.op("Reshape", y, self.constant([-1, count], "int64"))
        above = self.cast(self.compute("Greater", rows, output.threshold), "int64")
        if output.task == "flags":
            return {"label": (above, (count,)), numbers: (rows, (count,))}
        label = self._class_of(output, self.flat(above))
        if output.scores:
            return {"label": (label, ()), numbers: (self.flat(y), ())}
        rest = self.op("Neg", self.compute("Sub", rows, 1))
        return {"label": (label, ()), numbers: (self.concat([rest, rows]), (2,))}

    def _class_of(self, output: ExportedOutput, label: str) -> str:
        """Return the classes in their own type, given their positions (n,)."""
        classes = list(output.classes or ())
        if classes == [*range(len(classes))] and type(classes[0]) is int:
            return label
        return self.op("Gather", self.constant(classes), label, axis=0)

    def metadata(self) -> dict[str, str]:
        """Return what the file says about the model, for `metadata_props`."""
        columns: list[dict[str, Any]] = []
        for column in self._model.columns:
            columns.append({"name": column.name, "type": column.type})
            if column.type == "text" and column.missing:
                columns[-1] |= {"missing": column.missing, "first": FIRST}
        return {
            **self._model.metadata,
            "inputs": json.dumps(columns, ensure_ascii=False),
            "outputs": json.dumps(self.described, ensure_ascii=False),
        }


def _accepts(steps: Sequence[ExportedStep], x: Array) -> bool:
    try:
        for step in steps:
            prepared: Any = step.transform.apply(x, step.state)
            x = getattr(prepared, "values", prepared)
    except (ColumnError, ValueError, TypeError):
        return False
    return not bool(missing_values(x).any())
