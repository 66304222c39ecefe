"""The writer of a Python file: statements, functions from their own source, embedded arrays."""

from __future__ import annotations

import base64
import pprint
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import numpy as np

from declnet import Array, Shape
from declnet_plugins.exchange import (
    ExportedColumn,
    ExportedInput,
    ExportedOutput,
    TranslationSite,
    Untranslatable,
    WrittenOutput,
    unique_name,
)
from declnet_plugins.export.numpy_file import running
from declnet_plugins.export.numpy_file.sources import Sources, fault_of, is_literal
from declnet_plugins.recording import SampleProgram

SMALL = 12
"""Maximum number of elements of an array that is written as a literal."""

WIDTH = 96
"""Characters of a line."""

RESULTS = {"number": "float64", "integer": "int64", "boolean": "bool", "text": "object"}
"""The type of an array by what it holds."""

_INDENT = "    "


@dataclass(frozen=True, repr=False)
class Variable:
    """A handle: a name in the function that predicts."""

    name: str

    def __repr__(self) -> str:
        return self.name


REFUSED = Variable("refused")
"""The list of which rows cannot be predicted, for each reason."""


class NumpyWriter:
    """A writer of the body of `predict`, which collects the functions and arrays it needs.

    Translations use `call` and `refuse`.
    """

    def __init__(self, float_type: str) -> None:
        self.sources = Sources()
        self.lines: list[str] = []
        self.results: list[tuple[str, str]] = []
        self._float = float_type
        self._arrays: dict[str, Array] = {}
        self._constants: list[str] = []
        self._locals: set[str] = {"rows"}

    def call(
        self, function: Callable[..., Any], name: str, *arguments: Any, **options: Any
    ) -> Variable:
        """Write `name = function(arguments, options)` and return the handle of its result.

        The function's source becomes part of the file, with the functions, constants and modules
        that it uses. It may use NumPy and the standard library.

        Args:
            function: a function of the top level of a module.
            name: what the result is called, e.g. the name of the site.
            arguments: handles, arrays (which are embedded) or literals.
            options: the same, by keyword.
        """
        called = self.sources.add(function)
        texts = [self.argument(f"{name}.{i}", argument) for i, argument in enumerate(arguments)]
        texts += [f"{key}={self.argument(f'{name}.{key}', v)}" for key, v in options.items()]
        result = self._variable(name)
        line = f"{result} = {called}({', '.join(texts)})"
        if len(line) + len(_INDENT) <= WIDTH:
            self.lines.append(line)
        else:
            self.lines += [f"{result} = {called}(", *(f"{_INDENT}{text}," for text in texts), ")"]
        return result

    def assign(self, name: str, expression: str) -> Variable:
        """Write `name = expression` and return the handle of the result."""
        result = self._variable(name)
        self.lines.append(f"{result} = {expression}")
        return result

    def program(self, site: TranslationSite, program: SampleProgram) -> tuple[Variable, ...]:
        """Write a recorded program."""
        from declnet_plugins.export.numpy_file.recorded import write_program

        return write_program(self, site, program)

    def verify_source(self, component: Any, site: TranslationSite) -> None:
        """Raise Untranslatable if a file cannot hold the source of a component's method."""
        cls: Any = type(component)
        fault = fault_of(cls, site.method)
        if fault:
            raise Untranslatable(fault)

    def source(self, site: TranslationSite, component: Any) -> tuple[Variable, ...]:
        """Write a call of a component's own method, whose source becomes part of the file."""
        instance = Variable(self.sources.add_component(site.name, component, site.method))
        inputs = [self._typed(site, at) for at in range(len(site.inputs))]
        if site.method == "forward":
            orders = component.input_order or component.memory_order, component.memory_order
            memory = {
                name: (tuple(item.shape), np.dtype(item.dtype or site.dtype).name, item.fill or 0,
                       item.per_sample)
                for name, item in component.workspace(site.layer_shapes(component)).items()
            }  # fmt: skip
            output = site.output_shape, site.dtype.name
            arguments = inputs, output, orders, dict(site.parameters), memory, REFUSED
            return (self.call(running.forward, f"{site.name}.y", instance, *arguments),)
        expected = [(site.output_shape, RESULTS[site.output_type])] * site.results
        if site.method == "apply" and site.results > 1:  # lengths and weights of sequences
            others = ((), RESULTS["integer"]), (site.output_shape, RESULTS["number"])
            expected[1:] = others[: site.results - 1]
        state = () if site.method == "predictions" else (dict(site.state),)
        arguments = instance, site.method, inputs, expected, REFUSED, *state
        result = self.call(running.computed, f"{site.name}.results", *arguments)
        return tuple(Variable(f"{result}[{at}]") for at in range(site.results))

    def _typed(self, site: TranslationSite, position: int) -> Variable:
        """Return an input in the type in which declnet computes it."""
        x: Variable = site.inputs[position]
        if site.is_double and site.input_types[position] == "number":
            return self.assign(f"{site.name}.x", f"np.asarray({x}, float)")
        return x

    def column(self, column: ExportedColumn) -> Variable:
        """Read a column of the given rows."""
        shape = (column.window,) if column.window is not None else column.shape
        missing = Variable("MISSING") if column.missing else ()
        arguments = (
            Variable("rows"),
            column.name,
            column.type,
            shape,
            missing,
            column.decimal,
            REFUSED,
        )
        raw = self.call(running.column, column.name, *arguments)
        if column.window is None:
            return raw
        return self.call(running.flattened, f"{column.name}.rows", raw)

    def joined(self, name: str, joined: ExportedInput, columns: Sequence[Any]) -> Variable:
        """Join columns into an array of the type that the layers take."""
        dtype = self._float if joined.dtype == "float" else "int64"
        options = {"dtype": dtype, "limit": joined.limit, "refused": REFUSED}
        return self.call(running.joined, name, list(columns), shape=joined.shape, **options)

    def refuse(self, function: Callable[..., Any], name: str, *arguments: Any, **more: Any) -> None:
        """Write a call that returns which rows cannot be predicted.

        Args:
            function: it returns booleans (n, …); as for `call`.
            name: as for `call`.
            arguments: as for `call`.
            more: keyword arguments, as for `call`.
        """
        rows = self.call(function, f"{name}.refused", *arguments, **more)
        self.lines.append(f"{REFUSED}.append({rows})")

    def reshaped(self, name: str, handle: Any, shape: Shape) -> Variable:
        """Write a reshape of each sample."""
        result = self._variable(name)
        sizes = "".join(f", {size}" for size in shape)
        self.lines.append(f"{result} = {handle}.reshape(len({handle}){sizes})")
        return result

    def output(self, output: ExportedOutput, written: WrittenOutput) -> None:
        """Write what `predict` returns for an output."""
        name, classes = output.name or "found", output.classes
        self.refuse(running.unpredicted, name, written.predictions)
        result: Variable
        if output.task == "classes":
            result = self.call(running.classes, name, written.predictions, list(classes or ()))
        elif output.task == "binary":
            arguments = written.predictions, list(classes or ()), output.threshold
            result = self.call(running.binary, name, *arguments)
        elif output.task == "flags":
            result = self.call(running.flags, name, written.predictions, output.threshold)
        else:
            result = self.call(running.values, name, written.predictions)
        if output.scores and output.task != "values":
            self.lines.append(f'{result}["scores"] = {result}.pop("probabilities")')
            if output.task == "binary":
                self.lines.append(f'{result}["scores"] = {result}["scores"][:, 1]')
        for key in ("lower", "upper", "sets"):
            handle = getattr(written, key)
            if handle is not None:
                self.lines.append(f'{result}["{key}"] = {handle}')
        self.results.append((output.name, str(result)))

    def body(self) -> str:
        """Return the statements of `predict`."""
        returned = self.results[0][1] if not self.results[0][0] else _dict_of(self.results)
        check = self.sources.add(running.validated)
        results = ", ".join(name for _, name in self.results)
        ending = [f"{check}([{results}], {REFUSED})", f"return {returned}"]
        return indent("\n".join([f"{REFUSED} = []", *self.lines, *ending]), _INDENT)

    def data(self) -> str:
        """Return the definitions of constants and arrays, which come last in the file."""
        lines = [*self._constants]
        if self._arrays:
            self.sources.add(running.unpacked)
            lines += ["W = {", *map(_embedded, self._arrays, self._arrays.values()), "}"]
        return "\n".join(lines)

    def _variable(self, name: str) -> Variable:
        start, _, rest = name.partition(".")
        name = name if start != "input" else f"x_{rest}" if rest else "x"  # input is a builtin
        return Variable(self.sources.reserve(name))

    def argument(self, name: str, value: Any) -> str:
        """Return the text of a handle, or of a list of them, an array (embedded) or a literal."""
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, Variable) for item in items):
            return str(value)
        if isinstance(value, np.ndarray):
            return self._array(name, value)
        if isinstance(value, dict) and not is_literal(value):
            texts = (f"{key!r}: {self.argument(f'{name}.{key}', v)}" for key, v in value.items())
            return f"{{{', '.join(texts)}}}"
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not np.isfinite(value):
            return f'float("{value}")'
        text = repr(value)
        if len(text) <= WIDTH // 2:
            return text
        constant = self.sources.reserve(f"{name}".replace(".", "_").upper())
        written = pprint.pformat(value, width=WIDTH, compact=True, sort_dicts=False)
        self._constants.append(f"{constant} = {written}\n")
        return constant

    def _array(self, name: str, array: Array) -> str:
        if array.dtype.kind == "O":
            return self.argument(name, array.tolist())
        if array.size <= SMALL and np.isfinite(array).all():
            if array.dtype == np.float64:
                return f"np.array({array.tolist()})"
            shortest = np.array([float(str(number)) for number in array.flat]).reshape(array.shape)
            numbers = array if array.dtype.kind != "f" else shortest
            return f'np.array({numbers.tolist()}, "{array.dtype.name}")'
        key = unique_name(name, {*self._arrays})
        self._arrays[key] = array
        return f"W[{key!r}]"


def _dict_of(results: Sequence[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{key!r}: {name}' for key, name in results)}}}"


def _embedded(name: str, array: Array) -> str:
    little = array.astype(array.dtype.newbyteorder("<"), order="C")
    text = base64.b85encode(little.tobytes()).decode()
    lines = "\n".join(text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    dtype = array.dtype.str.lstrip("<>=|")
    return f'{name!r}: unpacked("{dtype}", {array.shape}, """\n{lines}"""),'
