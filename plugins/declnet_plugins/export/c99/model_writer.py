"""The code between the components of a model: raw columns, the network's inputs, and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from declnet import Shape
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedInput,
    ExportedModel,
    ExportedOutput,
    TranslationSite,
    WrittenOutput,
    unique_name,
)
from declnet_plugins.export.c99.interface import Field, Output
from declnet_plugins.export.c99.text import identifier
from declnet_plugins.export.c99.writer import TEXT, CWriter, Value
from declnet_plugins.recording import SampleProgram

PUBLIC = (
    *("column", "columns", "row", "rows", "output", "workspace", "classes", "predict"),
    *("predict_with", "predict_array", "predict_array_with", "self_test", "expected", "given"),
    "valid",
)
"""Names that the program has with every model, after the prefix or in the output."""


@dataclass(eq=False)
class ModelWriter(CWriter):
    """The writer of a whole model, which `translate_model` walks through."""

    fields: list[Field] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    takes_array: bool = False
    _integers: frozenset[str] = frozenset()
    _markers: dict[tuple[str, ...], str] = field(default_factory=dict)
    _field_names: set[str] = field(default_factory=set)
    _output_names: set[str] = field(default_factory=lambda: {*PUBLIC})

    def prepare(self, model: ExportedModel) -> None:
        """Decide whether the program takes an array or a row, and reserve its public names."""
        self._names.update(f"{self.prefix}_{name}" for name in PUBLIC)
        for output in model.outputs:
            name = ""
            if output.name:
                name = unique_name(identifier(output.name), self._output_names)
            for ending in (name, f"{name}_classes", f"expected_{name}"):
                self._named(f"{self.prefix}_{ending}")
            self.outputs.append(Output(output, name))
        joined = [input_ for member in model.members for input_ in member.inputs]
        self.takes_array = len(model.columns) == 1 and model.columns[0].shape != ()
        self._integers = frozenset(
            name for input_ in joined if input_.dtype == "integer" for name in input_.columns
        )

    def column(self, column: ExportedColumn) -> Value:
        """Return the value of a raw column."""
        number, is_array = len(self.fields), column.shape != ()
        ctype = TEXT if column.type == "text" else self.number
        if is_array:
            ctype = "int32_t" if column.name in self._integers else "float"
        name = "sample"
        if not self.takes_array:
            plain = identifier(column.name, f"column_{number + 1}")
            name = unique_name(plain, self._field_names)
        self.fields.append(Field(column, name, ctype, is_array))
        shape = column.shape if column.window is None else (column.window, *column.shape)
        source = name if self.takes_array else f"row->{name}"
        if not is_array and column.window is None:
            source = f"&row->{name}"
        value = Value(shape, ctype, source, number)
        if ctype == TEXT:
            return self._cell(value, column.missing)
        if column.type == "boolean":
            self.refuse(value, "x[i] < 0 || x[i] > 1 || (x[i] > 0 && x[i] < 1)")
        return value

    @property
    def floor(self) -> str:
        """The function that rounds raw numbers down."""
        return "floorf" if self.number == "float" else "floor"

    def _cell(self, x: Value, missing: Sequence[str]) -> Value:
        """Return text without the spaces before it, NULL where it means a missing value."""
        markers = tuple(missing)
        if markers not in self._markers:
            self._markers[markers] = self.strings("missing", markers) if markers else "NULL"
        known = self._markers[markers]
        return self.compute(
            "cell", "for (int i = 0; i < $size; i++) y[i] = $cell(x[i], $known, $count);",
            {"x": x}, x.shape, ctype=TEXT, inline=True, size=x.size, known=known,
            count=len(markers), cell=self.helper("cell", CELL),
        )  # fmt: skip

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[Value]) -> Value:
        """Return the value of an input: checked columns side by side, as floats or integers."""
        ctype = "int32_t" if joined.dtype == "integer" else "float"
        if len(columns) == 1 and columns[0].ctype == ctype == "int32_t":
            if joined.limit is not None:
                self.refuse(columns[0], f"x[i] < 0 || x[i] > {joined.limit}")
            return columns[0]
        if len(columns) == 1 and columns[0].ctype == ctype:
            self.refuse(columns[0], "!isfinite(x[i])", missing="isnan(x[i])")
            return columns[0]
        filled, offset = Value((sum(column.size for column in columns),), ctype), 0
        rows = joined.window or 1
        whole = filled.size // rows
        for column in columns:
            width = column.size // rows
            largest, is_whole = f"({column.ctype}) FLT_MAX", column.ctype == "int32_t"
            usable = "" if is_whole else f"x[i] >= -{largest} && x[i] <= {largest}"
            if ctype != "float":
                limit = "INT32_MAX" if joined.limit is None else joined.limit
                least = "INT32_MIN" if joined.limit is None else 0
                usable = f"x[i] >= ({column.ctype}) {least} && x[i] <= ({column.ctype}) {limit}"
                usable += "" if is_whole else f" && x[i] == {self.floor}(x[i])"
            if usable:
                self.refuse(column, f"!({usable})", missing="" if is_whole else "isnan(x[i])")
            self.compute(
                name, JOINED, {"x": column}, filled.shape, into=filled, offset=offset, inline=True,
                rows=rows, width=width, whole=whole, kind=ctype,
            )  # fmt: skip
            offset += width
        return filled

    def reshaped(self, name: str, handle: Value, shape: Shape) -> Value:
        """Return the same value: a shape is only how layers read it."""
        return handle

    def program(self, site: TranslationSite, program: SampleProgram) -> tuple[Value, ...]:
        """Add the steps of a recorded program."""
        from declnet_plugins.export.c99.recorded import write_program

        return write_program(self, site, program)

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Write the predictions of one loss to the program's output."""
        predicted = next(candidate for candidate in self.outputs if candidate.output is output)
        name = predicted.name
        into = f"out->{name}." if name else "out->"
        self._fill(
            f"{into}{predicted.numbers}", written.predictions, predicted.size, predicted.count
        )
        if output.task == "classes":
            self._final(LABEL, into, size=predicted.size, numbers=predicted.numbers)
        elif output.task in ("binary", "flags"):
            at = predicted.count - predicted.size
            what = "label" if output.task == "binary" else "flags[i]"
            self._final(
                FLAG, into, size=predicted.size, numbers=predicted.numbers, what=what,
                at=f"{at} + i" if at else "i", limit=self._limit(output.threshold),
            )  # fmt: skip
        for side in ("lower", "upper"):
            value = getattr(written, side)
            if value is not None:
                size = prod(output.interval_shape)
                self._fill(f"{into}{side}", value, size, size)
        if written.sets is not None:
            self.compute(
                "sets", "for (int i = 0; i < $size; i++) y[i] = (int) x[i];",
                {"x": written.sets}, (), into=Value((), "int", f"{into}in_set"), inline=True,
                size=len(output.classes or ()),
            )  # fmt: skip

    def _limit(self, threshold: float | tuple[float, ...]) -> Any:
        """Return the threshold of unit i, a term."""
        if isinstance(threshold, tuple):
            return f"{self.constant('thresholds', np.array(threshold))}[i]"
        return float(threshold)

    def _fill(self, target: str, x: Value, size: int, count: int) -> None:
        ctype = self.number if target.endswith(("values", "lower", "upper")) else "float"
        body = """
            for (int i = 0; i < $size; i++) {
                if (!isfinite(x[i])) return ${PREFIX}_NOT_FINITE;
                y[$at] = ($kind) x[i];
            }
        """
        if count > size:
            body += "            y[0] = 1.0f - y[1];\n"
        filled = Value((), ctype, target)
        self.compute(
            "output", body, {"x": x}, (), into=filled, inline=True, size=size, kind=ctype,
            at="1" if count > size else "i",
        )  # fmt: skip

    def _final(self, body: str, into: str, **terms: Any) -> None:
        numbers = Value((), "float", f"{into}{terms['numbers']}")
        self.compute("label", body, {}, (), into=numbers, inline=True, target=into, **terms)


CELL = """
/* A text from its first character on that is not a space; NULL if it means a missing value. */
static const char *$name(const char *text, const char *const *missing, int count)
{
    if (text == NULL) return NULL;
    while (*text == ' ' || *text == '\\t') text++;
    for (int i = 0; i < count; i++) {
        const char *a = missing[i], *b = text;
        while (*a != 0 && *a == *b) a++, b++;
        while (*b == ' ' || *b == '\\t') b++;
        if (*a == 0 && *b == 0) return NULL;
    }
    return text;
}
"""

JOINED = """
for (int t = 0; t < $rows; t++) {
    for (int i = 0; i < $width; i++) y[t * $whole + i] = ($kind) x[t * $width + i];
}
"""

LABEL = """
${target}label = 0;
for (int i = 1; i < $size; i++) if (y[i] > y[${target}label]) ${target}label = i;
"""

FLAG = """
for (int i = 0; i < $size; i++) ${target}$what = y[$at] > $limit;
"""
