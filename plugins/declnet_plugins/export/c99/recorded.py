"""Recorded programs as loops of C99: elementwise operations that feed each other are one loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from textwrap import indent

import numpy as np

from declnet import Array, Dtype, Shape
from declnet_plugins.exchange import Untranslatable
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.text import LITERALS
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.recording import Operand, Operation, SampleProgram

FUNCTIONS = {
    "sqrt": "sqrt", "exp": "exp", "expm1": "expm1", "exp2": "exp2", "log": "log", "log1p": "log1p",
    "log2": "log2", "log10": "log10", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "floor": "floor",
    "ceil": "ceil", "trunc": "trunc", "rint": "rint", "arctan2": "atan2", "hypot": "hypot",
    "fmod": "fmod", "copysign": "copysign", "fmax": "fmax", "fmin": "fmin", "absolute": "fabs",
    "fabs": "fabs", "power": "pow", "float_power": "pow",
}  # fmt: skip
"""Functions of math.h by the names of NumPy's."""

EXPRESSIONS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "positive": "{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}",
    "maximum": "({0} >= {1} || {0} != {0}) ? {0} : {1}",
    "minimum": "({0} <= {1} || {0} != {0}) ? {0} : {1}",
    "sign": "({0} != {0}) ? {0} : ({0} > 0) - ({0} < 0)",
    "greater": "{0} > {1}", "greater_equal": "{0} >= {1}", "less": "{0} < {1}",
    "less_equal": "{0} <= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}",
    "isnan": "{0} != {0}", "isfinite": "{0} - {0} == 0", "isinf": "{0} == {0} && {0} - {0} != 0",
    "logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}",
    "logical_xor": "!{0} != !{1}", "where": "{0} ? {1} : {2}",
    "absolute integer": "({0} < 0) ? -{0} : {0}",
    "clip": "({0} != {0}) ? {0} : ({0} < {1}) ? {1} : ({0} > {2}) ? {2} : {0}",
}  # fmt: skip
"""Expressions of operands that have no side effects and are written several times."""

COMPOSED = {
    "floor_divide": "floor{f}({0} / {1})",
    "logaddexp": "(({0} > {1}) ? {0} : {1}) + log1p{f}(exp{f}(-fabs{f}({0} - {1})))",
}
"""The same of floats, with functions of math.h."""

BOOLEANS = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not"}
"""What operations on bits are on booleans."""

STARTS = {"add": "0", "multiply": "1", "logical_and": "1", "logical_or": "0"}
"""What reductions start with, if not with the first item."""

INDICES = "ijklmnpq"


def write_program(
    writer: CWriter, name: str, program: SampleProgram, inputs: Sequence[Value], number: str
) -> tuple[Value, ...]:
    """Add the steps of a program, and return the values of its results.

    Args:
        writer: the writer.
        name: of the steps.
        program: the program.
        inputs: the values that it reads.
        number: the type of floats: `float` between layers, that of raw numbers in the preparation.
    """
    return _Writing(writer, name, program, inputs, number).write()


@dataclass(eq=False)
class _Body:
    """The statements of a step while they are written.

    Attributes:
        inputs: the values that it reads, by name.
        lines: statements in the innermost loop.
        texts: the expression of each operation that has been written.
    """

    inputs: dict[str, Value] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)


class _Writing:
    def __init__(
        self,
        writer: CWriter,
        name: str,
        program: SampleProgram,
        inputs: Sequence[Value],
        number: str,
    ) -> None:
        self._writer, self._name, self._program, self._number = writer, name, program, number
        self._values: dict[int, Value] = dict(enumerate(inputs))
        self._count = len(inputs)
        self._suffix = "f" if number == "float" or writer.number == "float" else ""

    def write(self) -> tuple[Value, ...]:
        """Add a step for each operation that is no part of another one's loop."""
        roots = self._roots()
        for position, operation in enumerate(self._program.operations):
            if roots[position] == position:
                self._values[self._count + position] = self._step(position, operation, roots)
        return tuple(map(self._result, self._program.results))

    def _roots(self) -> list[int]:
        """Return for each operation the one whose loop computes it: itself, or what reads it."""
        operations = self._program.operations
        readers: dict[int, list[tuple[int, Operand]]] = {}
        for position, operation in enumerate(operations):
            for operand in operation.operands:
                if operand.value is not None:
                    readers.setdefault(operand.value, []).append((position, operand))
        results = {operand.value for operand in self._program.results}
        roots = [*range(len(operations))]
        for position in reversed(roots):
            operation, value = operations[position], self._count + position
            reading = readers.get(value, [])
            loops = {roots[reader] for reader, _ in reading}
            is_part = operation.kind == "map" and value not in results and len(loops) == 1
            for reader, operand in reading:
                kinds = ("map", "reduce") if operations[reader].name[:3] != "arg" else ("map",)
                whole = operand.places is None and operand.shape == operation.shape
                same = operations[reader].kind != "map" or operations[reader].shape == operand.shape
                is_part &= operations[reader].kind in kinds and whole and same
            if is_part:
                (roots[position],) = loops
        return roots

    def _ctype(self, dtype: Dtype) -> str:
        return self._number if dtype.kind == "f" else "int32_t"

    def _step(self, position: int, operation: Operation, roots: Sequence[int]) -> Value:
        """Add the step of an operation, with those that its loop computes."""
        body = _Body()
        ctype = self._ctype(operation.dtype)
        if operation.kind == "map":
            text = _loops(operation.shape, self._map_in(body, position, roots))
        else:
            text = getattr(self, f"_{operation.kind}")(operation, body, roots)
        return self._computed(text, body.inputs, operation.shape, ctype)

    def _computed(self, text: str, inputs: Mapping[str, Value], shape: Shape, ctype: str) -> Value:
        return self._writer.compute(self._name, text, inputs, shape, ctype=ctype)

    def _result(self, operand: Operand) -> Value:
        if operand.value is not None and operand.places is None:
            return self._values[operand.value]
        body = _Body()
        read = self._read(operand, operand.shape, body)
        dtype = self._program.type_of(operand)
        text = _loops(operand.shape, f"y[{self._at(operand.shape)}] = {read};")
        return self._computed(text, body.inputs, operand.shape, self._ctype(dtype))

    # -- elementwise

    def _map_in(self, body: _Body, position: int, roots: Sequence[int]) -> str:
        """Return the statements that fill an item of an operation's result."""
        shape = self._program.operations[position].shape
        text = self._expression(body, position, roots, shape)
        return "\n".join([*body.lines, f"y[{self._at(shape)}] = {text};"])

    def _expression(self, body: _Body, position: int, roots: Sequence[int], shape: Shape) -> str:
        """Return the name of an operation's result, after the statements that compute it."""
        if position in body.texts:
            return body.texts[position]
        operation = self._program.operations[position]
        texts = []
        for operand in operation.operands:
            inner = None if operand.value is None else operand.value - self._count
            if inner is not None and inner >= 0 and roots[inner] == roots[position] != inner:
                texts.append(self._expression(body, inner, roots, shape))
            else:
                texts.append(self._read(operand, shape, body))
        name = f"t{len(body.texts)}"
        ctype = self._ctype(operation.dtype)
        body.lines.append(f"const {ctype} {name} = {self._formula(operation, texts)};")
        body.texts[position] = name
        return name

    def _formula(self, operation: Operation, texts: Sequence[str]) -> str:
        """Return the expression of an elementwise operation."""
        name, kind, f = operation.name, operation.dtype.kind, self._suffix
        if name == "cast":
            to = self._ctype(operation.dtype)
            return f"{texts[0]} != 0" if kind == "b" else f"({to}) {texts[0]}"
        if kind == "b":
            name = BOOLEANS.get(name, name)
        if kind == "i" and name == "absolute":
            name = "absolute integer"
        if name in EXPRESSIONS:
            return EXPRESSIONS[name].format(*texts)
        if name in COMPOSED and kind == "f":
            return COMPOSED[name].format(*texts, f=f)
        if name in FUNCTIONS and kind == "f":
            return f"{FUNCTIONS[name]}{f}({', '.join(texts)})"
        raise Untranslatable(f"it calls np.{operation.name}, which C has no operation for")

    def _literal(self, number: np.generic) -> str:
        if number.dtype.kind == "f":
            return LITERALS[self._number](number)
        return str(int(number))

    def _read(self, operand: Operand, shape: Shape, body: _Body) -> str:
        """Return the expression of the item of an operand in loops over a shape."""
        if operand.constant is not None and operand.is_number:
            text = self._literal(operand.constant.ravel()[0])
            return f"({text})" if text.startswith("-") else text
        places = operand.places
        if places is None:
            places = np.arange(prod(operand.shape)).reshape(operand.shape)
        index = self._index(np.broadcast_to(places, shape), shape)
        return f"{self._array(operand, body)}[{index}]"

    def _array(self, operand: Operand, body: _Body) -> str:
        """Return the name of the array that holds an operand."""
        if operand.constant is not None:
            ctype = self._ctype(operand.constant.dtype)
            numbers = operand.constant
            if ctype != "float":
                numbers = numbers.astype(np.int32 if ctype == "int32_t" else np.float64)
            return self._writer.constant(f"{self._name}_constant", numbers, ctype)
        assert operand.value is not None  # noqa: S101  # it is no constant
        value = self._values[operand.value]
        for name, other in body.inputs.items():
            if other is value:
                return name
        name = f"x{len(body.inputs)}"
        body.inputs[name] = value
        return name

    # -- loops

    def _at(self, shape: Shape) -> str:
        return self._index(np.arange(prod(shape)).reshape(shape), shape)

    def _index(self, places: Array, shape: Shape) -> str:
        """Return the expression of the place for indices `i`, `j`, … of a shape."""
        if not places.size:
            return "0"
        first, strides = int(places.flat[0]), []
        for axis, size in enumerate(shape):
            at = [0] * len(shape)
            at[axis] = 1 if size > 1 else 0
            strides.append(int(places[tuple(at)]) - first)
        regular = np.full(shape, first)
        for axis, stride in enumerate(strides):
            steps = np.arange(shape[axis]) * stride
            regular = regular + steps.reshape(-1, *(1 for _ in shape[axis + 1 :]))
        if not np.array_equal(regular, places):
            flat = self._at(shape)
            table = self._writer.constant(
                f"{self._name}_places", places.astype(np.int32), "int32_t"
            )
            return f"{table}[{flat}]"
        terms = [
            name if stride == 1 else f"{name} * {stride}"
            for name, stride in zip(INDICES, strides, strict=False)
            if stride
        ]
        return " + ".join([*terms, *([str(first)] if first or not terms else [])])

    def _reduce(self, operation: Operation, body: _Body, roots: Sequence[int]) -> str:
        """Return loops that combine the items of some axes."""
        (operand,), name = operation.operands, operation.name
        shape, axes = operand.shape, operation.axes
        position = self._program.operations.index(operation)
        inner = None if operand.value is None else operand.value - self._count
        if inner is not None and inner >= 0 and roots[inner] == position:
            item = self._expression(body, inner, roots, shape)
        else:
            item = self._read(operand, shape, body)
        others = [axis for axis in range(len(shape)) if axis not in axes]
        ordered = np.arange(operation.size).reshape([shape[axis] for axis in others])
        at = self._index(np.broadcast_to(np.expand_dims(ordered, axes), shape), shape)
        ctype = self._ctype(self._program.type_of(operand))
        along = np.zeros(shape, int) + np.expand_dims(
            np.arange(prod(shape[axis] for axis in axes)).reshape([shape[axis] for axis in axes]),
            others,
        )
        number = self._index(along, shape)
        if name.startswith("arg"):
            better = ">" if name == "argmax" else "<"
            text = (
                f"const {ctype} item = {item};\n"
                f"if ({number} == 0 || item {better} best || (item != item && best == best)) "
                f"{{\n    best = item;\n    y[{at}] = {number};\n}}"
            )
            start = f"{ctype} best = 0;"
        else:
            combined = self._combined(name, "acc", item)
            first = STARTS.get(name)
            start = f"{ctype} acc = {first or 0};"
            text = f"acc = {combined};"
            if first is None:
                text = f"const {ctype} item = {item};\n"
                text += f"acc = ({number} == 0) ? item : {self._combined(name, 'acc', 'item')};"
        text = "\n".join([*body.lines, text])
        inside = _loops(shape, text, axes)
        end = "" if name.startswith("arg") else f"\ny[{at}] = acc;"
        around = f"{start}\n{inside}{end}"
        return _loops(shape, around, others)

    def _combined(self, name: str, a: str, b: str) -> str:
        if name not in EXPRESSIONS:
            raise Untranslatable(f"it calls np.{name}.reduce, which C has no operation for")
        return EXPRESSIONS[name].format(a, b)

    def _accumulate(self, operation: Operation, body: _Body, _: Sequence[int]) -> str:
        (operand,), (axis,) = operation.operands, operation.axes
        shape, ctype = operation.shape, self._ctype(operation.dtype)
        item, at, name = self._read(operand, shape, body), self._at(shape), INDICES[axis]
        combined = self._combined(operation.name, "acc", item)
        text = f"acc = {'(' + name + ' == 0) ? ' + item + ' : ' + combined};\ny[{at}] = acc;"
        inside = _loops(shape, text, [axis])
        others = [other for other in range(len(shape)) if other != axis]
        return _loops(shape, f"{ctype} acc = 0;\n{inside}", others)

    def _contract(self, operation: Operation, body: _Body, _: Sequence[int]) -> str:
        """Return loops over products; the last axis of the result is the innermost one."""
        inputs, result = operation.equation.split("->")
        names = inputs.split(",")
        simple = self._rows(operation, names, result, body)
        if simple is not None:
            return simple
        sizes: dict[str, int] = {}
        for letters, operand in zip(names, operation.operands, strict=True):
            sizes |= dict(zip(letters, operand.shape, strict=True))
        summed = [letter for letter in sizes if letter not in result]
        order = [*result[:-1], *summed, *result[-1:]]
        if len(order) > len(INDICES):
            raise Untranslatable("it sums products over more axes than C gets names for")
        shape = tuple(sizes[letter] for letter in order)
        factors = []
        for letters, operand in zip(names, operation.operands, strict=True):
            places = operand.places
            if places is None:
                places = np.arange(prod(operand.shape)).reshape(operand.shape)
            axes = [letters.index(letter) if letter in letters else None for letter in order]
            moved = places.transpose([axis for axis in axes if axis is not None])
            missing = tuple(at for at, axis in enumerate(axes) if axis is None)
            spread = np.broadcast_to(np.expand_dims(moved, missing), shape)
            if operand.constant is not None and operand.is_number:
                factors.append(self._literal(operand.constant.ravel()[0]))
            else:
                factors.append(f"{self._array(operand, body)}[{self._index(spread, shape)}]")
        ordered = np.arange(operation.size).reshape(operation.shape)
        missing = tuple(at for at, letter in enumerate(order) if letter in summed)
        at = self._index(np.broadcast_to(np.expand_dims(ordered, missing), shape), shape)
        inside = _loops(shape, f"y[{at}] += {' * '.join(factors)};")
        return f"for (int i = 0; i < {operation.size}; i++) y[i] = 0;\n{inside}"

    def _rows(
        self, operation: Operation, names: Sequence[str], result: str, body: _Body
    ) -> str | None:
        """Return the loops of rows times a constant matrix; None for other contractions."""
        if len(names) != 2 or self._number != "float" or operation.dtype.kind != "f":
            return None
        (a, b), (x, weights) = names, operation.operands
        is_product = len(b) == 2 and a[-1:] == b[0] and result == a[:-1] + b[1]
        if (
            not is_product
            or x.places is not None
            or weights.constant is None
            or x.constant is not None
        ):
            return None
        source, matrix = self._array(x, body), self._array(weights, body)
        count, units = weights.shape
        steps = prod(x.shape[:-1])
        if steps == 1:
            return product(count, units, matrix, "0", source)
        rows = product(count, units, matrix, "0", f"({source} + t * {count})", f"(y + t * {units})")
        return f"for (int t = 0; t < {steps}; t++) {{\n{indent(rows, '    ')}\n}}"

    def _take(self, operation: Operation, body: _Body, _: Sequence[int]) -> str:
        table, places = operation.operands
        shape = prod(places.shape), prod(table.shape[1:])
        at = None if places.places is None else places.places.reshape(-1, 1)
        row = self._read(Operand((shape[0], 1), places.value, None, at), shape, body)
        item = "j" if shape[1] != 1 else "0"
        text = f"y[{self._at(shape)}] = {self._array(table, body)}[{row} * {shape[1]} + {item}];"
        return _loops(shape, text)

    def _search(self, operation: Operation, body: _Body, _: Sequence[int]) -> str:
        table, operand = operation.operands
        shape = operation.shape
        item, at = self._read(operand, shape, body), self._at(shape)
        before = "<" if operation.name == "left" else "<="
        ordered, size = self._array(table, body), prod(table.shape)
        text = (
            "int32_t count = 0;\n"
            f"while (count < {size} && {ordered}[count] {before} {item}) count++;\n"
            f"y[{at}] = count;"
        )
        return _loops(shape, text)

    def _join(self, operation: Operation, body: _Body, _: Sequence[int]) -> str:
        parts, start = [], 0
        for operand in operation.operands:
            size = prod(operand.shape)
            item = self._read(Operand((size,), operand.value, operand.constant), (size,), body)
            where = f"{start} + i" if start else "i"
            parts.append(f"for (int i = 0; i < {size}; i++) y[{where}] = {item};")
            start += size
        return "\n".join(parts)


def _loops(shape: Shape, text: str, axes: Sequence[int] | None = None) -> str:
    """Return loops over a shape, or some of its axes, around statements."""
    for axis in reversed(range(len(shape)) if axes is None else axes):
        if shape[axis] != 1:
            name = INDICES[axis]
            loop = f"for (int {name} = 0; {name} < {shape[axis]}; {name}++)"
            text = f"{loop} {{\n{indent(text, '    ')}\n}}"
    return text
