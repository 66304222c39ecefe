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
    ExportedColumn,
    ExportedInput,
    ExportedModel,
    ExportedOutput,
    ExportedStep,
    Shape,
    WrittenOutput,
    missing_values,
)
from declnet_plugins.onnx.writer import TYPES, GraphWriter

BATCH = "n"
"""The name of the batch axis."""

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

    def column(self, column: ExportedColumn) -> str:
        """Add an input for a raw column; of windows, all rows of all samples are returned."""
        kind = self._kind(column)
        if column.window is None:
            return self.input(column.name, kind, [BATCH, *column.shape])
        return self.flat(self.input(column.name, kind, [BATCH, column.window]))

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
            steps = [each for each in member.steps if each.column == column.name]
            if not steps or not _accepts(steps, np.array([np.nan])):
                return False
        return True

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[str]) -> str:
        """Return an input of the network, float32 or int64."""
        integers = joined.dtype == "integer" or joined.lengths
        with self.scope(name):
            first = "int64" if integers else "float64"
            if len(columns) == 1:
                found = self.cast(columns[0], "int64" if integers else "float32")
            else:
                rows = [self.rows(self.cast(each, first)) for each in columns]
                found = self.cast(self.concat(rows), "int64" if integers else "float32")
            if joined.window is not None:
                return self.op("Reshape", found, self.constant([-1, *joined.shape], "int64"))
            return self.reshape(found, joined.shape)

    def reshaped(self, name: str, handle: str, shape: Shape) -> str:
        """Return the same numbers in another shape."""
        with self.scope(name):
            return self.reshape(handle, shape)

    def combined(self, name: str, handles: Sequence[str], how: str) -> str:
        """Return the mean, the median or the majority of several networks' results."""
        with self.scope(name):
            kind, count = self.type_of(handles[0]), len(handles)
            parts = [self.expand(self.cast(each, "float64"), 0) for each in handles]
            stacked = self.concat(parts, axis=0)
            if how == "median":
                given = (stacked, self.constant([count], "int64"))
                ordered, _ = self.node("TopK", given, ("float64", "int64"), axis=0)
                middle = self.slice(ordered, 0, (count - 1) // 2, count // 2 + 1)
                return self.cast(self.reduce("ReduceMean", middle, [0], keep=False), kind)
            mean = self.reduce("ReduceMean", stacked, [0], keep=False)
            return (
                self.compute("Greater", mean, 0.5) if how == "majority" else self.cast(mean, kind)
            )

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Add the outputs of a loss: `label` and `probabilities`, or `prediction`; and limits."""
        with self.scope(output.name or "output"):
            y = self.cast(written.predictions, "float32")
            named = self._values(output, y) if output.sort == "values" else self._labels(output, y)
            for name, bound in (("lower", written.lower), ("upper", written.upper)):
                if bound is not None:
                    shape = output.interval_shape
                    named[name] = (self.cast(bound, "float32"), shape)
            if written.sets is not None:
                named["sets"] = (written.sets, (len(output.classes or ()),))
        own: dict[str, Any] = {"name": output.name, "sort": output.sort, "shape": output.shape}
        for name, (value, shape) in named.items():
            found = f"{output.name}_{name}" if output.name else name
            while self.is_used(found):
                found = f"predicted_{found}"
            self.output_value(found, value, [BATCH, *shape])
            own[name] = found
        if output.class_names is not None:
            own["classes"] = output.class_names
        if output.sort in ("binary", "flags"):
            own["threshold"] = output.threshold
        self.described.append(own)

    def _values(self, output: ExportedOutput, y: str) -> dict[str, tuple[str, Shape]]:
        single = bool(output.shape) and prod(output.shape) == 1
        return {"prediction": (self.flat(y), ()) if single else (y, output.shape)}

    def _labels(self, output: ExportedOutput, y: str) -> dict[str, tuple[str, Shape]]:
        given = "scores" if output.scores else "probabilities"
        if output.sort == "classes":
            label = self.op("ArgMax", y, axis=1, keepdims=0)
            return {"label": (self._class_of(output, label), ()), given: (y, output.shape)}
        count = prod(output.shape)
        rows = self.op("Reshape", y, self.constant([-1, count], "int64"))
        above = self.cast(self.compute("Greater", rows, output.threshold), "int64")
        if output.sort == "flags":
            return {"label": (above, (count,)), given: (rows, (count,))}
        label = self._class_of(output, self.flat(above))
        if output.scores:
            return {"label": (label, ()), given: (self.flat(y), ())}
        rest = self.op("Neg", self.compute("Sub", rows, 1))
        return {"label": (label, ()), given: (self.concat([rest, rows]), (2,))}

    def _class_of(self, output: ExportedOutput, label: str) -> str:
        """Return the classes in their own type, given their positions (n,)."""
        classes = list(output.classes or ())
        if classes == [*range(len(classes))] and type(classes[0]) is int:
            return label
        return self.op("Gather", self.constant(classes), label, axis=0)

    def metadata(self) -> dict[str, str]:
        """Return what the file says about the model, for `metadata_props`."""
        columns = [
            {"name": column.name, "type": column.type, "missing": column.missing}
            if column.type == "text" and column.missing
            else {"name": column.name, "type": column.type}
            for column in self._model.columns
        ]
        return {
            **self._model.metadata,
            "inputs": json.dumps(columns, ensure_ascii=False),
            "outputs": json.dumps(self.described, ensure_ascii=False),
        }


def _accepts(steps: Sequence[ExportedStep], x: Array) -> bool:
    try:
        for step in steps:
            found: Any = step.transform.apply(x, step.state)
            x = getattr(found, "values", found)
    except (ColumnError, ValueError, TypeError):
        return False
    return not bool(missing_values(x).any())
