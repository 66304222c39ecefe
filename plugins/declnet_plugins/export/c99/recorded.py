"""Recorded programs as loops of C99: elementwise operations that feed each other are one loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from textwrap import indent

import numpy as np

from declnet import Array, Dtype, Shape
from declnet_plugins.exchange import TranslationSite, Untranslatable
from declnet_plugins.export.c99.expressions import EXPRESSIONS, STARTS, formula
from declnet_plugins.export.c99.loops import (
    INDICES,
    ROWS,
    loops,
    place_at,
    places_of,
    regular_index,
    spread,
)
from declnet_plugins.export.c99.products import product
from declnet_plugins.export.c99.text import LITERALS, integer_literal
from declnet_plugins.export.c99.writer import CWriter, Value
from declnet_plugins.recording import Operand, Operation, SampleProgram

LARGEST_INTEGER = 2**31 - 1


def write_program(
    writer: CWriter, site: TranslationSite, program: SampleProgram
) -> tuple[Value, ...]:
    """Add the steps of a program, and return the values of its results.

    Args:
        writer: the writer.
        site: the place of the component that it was recorded from.
        program: the program.
    """
    return _Writing(writer, site, program).write()


@dataclass(eq=False)
class _Body:
    """The statements of a step while they are written.

    Attributes:
        position: the operation that fills its result.
        inputs: the values that it reads, by name.
        moved: the names of those of which other items are read than the one that is filled.
        lines: statements in the innermost loop.
        texts: the expression of each operation that has been written.
    """

    position: int
    inputs: dict[str, Value] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)


class _Writing:
    """The steps of a program.

    Floats are computed in the type of raw numbers if declnet computes them in float64; those made
    of arrays of floats are stored as such, to save memory. A column with a window has the numbers
    of several samples of the program in sequence.
    """

    def __init__(self, writer: CWriter, site: TranslationSite, program: SampleProgram) -> None:
        self._writer, self._name, self._program = writer, site.name, program
        self._values: dict[int, Value] = dict(enumerate(site.inputs))
        self._count, x = len(site.inputs), site.inputs[0]
        self._number = writer.number if site.is_double else "float"
        self._suffix = "f" if self._number == "float" else ""
        is_narrow = site.method == "apply" and x.ctype != writer.number
        self._stored = "float" if is_narrow else self._number
        self._samples = x.size // max(prod(site.input_shapes[0]), 1)
        self._roots = self._find_roots()

    def write(self) -> tuple[Value, ...]:
        """Add a step for each operation that no other operation's loop contains."""
        for position, operation in enumerate(self._program.operations):
            if self._roots[position] == position:
                body = _Body(position)
                text = getattr(self, f"_{operation.kind}")(operation, body)
                value = self._step(body, text, operation.shape, operation.dtype)
                self._values[self._count + position] = value
        for mask in map(self._result, self._program.refused):
            self._writer.refuse(mask, "x[i]")
        return tuple(map(self._result, self._program.results))

    def _find_roots(self) -> list[int]:
        """Return for each operation the one whose loop computes it: itself, or what reads it."""
        operations = self._program.operations
        readers: dict[int, list[tuple[int, Operand]]] = {}
        for position, operation in enumerate(operations):
            for operand in operation.operands:
                if operand.value is not None:
                    readers.setdefault(operand.value, []).append((position, operand))
        known = (*self._program.results, *self._program.refused)
        results = {operand.value for operand in known}
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

    def _step(self, body: _Body, text: str, shape: Shape, dtype: Dtype) -> Value:
        """Add a step that fills an array, for each sample."""
        ctype, size = self._stored if dtype.kind == "f" else "int32_t", prod(shape)
        if self._samples > 1:
            sizes = {name: x.size // self._samples for name, x in body.inputs.items()} | {"y": size}
            moves = ", ".join(f"{name} += {count}" for name, count in sizes.items())
            loop = f"for (int sample = 0; sample < {self._samples}; sample++, {moves})"
            text, shape = f"{loop} {{\n{indent(text, '    ')}\n}}", (self._samples, *shape)
        sources = (
            name
            for name, x in body.inputs.items()
            if name not in body.moved and x.ctype == ctype and x.size == prod(shape)
        )
        return self._writer.compute(
            self._name, text, body.inputs, shape, ctype=ctype, in_place=next(sources, None)
        )

    def _result(self, operand: Operand) -> Value:
        if operand.value is not None and operand.places is None:
            return self._values[operand.value]
        body = _Body(-1)
        item = self._read(operand, operand.shape, body)
        dtype = self._program.type_of(operand)
        shape = operand.shape
        text = loops(shape, f"y[{place_at(shape)}] = {self._narrowed(item, dtype)};")
        return self._step(body, text, operand.shape, dtype)

    # -- elementwise

    def _map(self, operation: Operation, body: _Body) -> str:
        """Return loops that fill each item of an operation's result."""
        text = self._expression(body, body.position, operation.shape)
        text = self._narrowed(text, operation.dtype)
        lines = [*body.lines, f"y[{place_at(operation.shape)}] = {text};"]
        return loops(operation.shape, "\n".join(lines))

    def _expression(self, body: _Body, position: int, shape: Shape) -> str:
        """Return the name of an operation's result, after the statements that compute it."""
        if position not in body.texts:
            operation = self._program.operations[position]
            is_cast = operation.name == "cast"
            texts = [self._item(operand, shape, body, is_cast) for operand in operation.operands]
            name = f"t{len(body.texts)}"
            ctype = self._ctype(operation.dtype)
            body.lines.append(f"const {ctype} {name} = {self._formula(operation, texts)};")
            body.texts[position] = name
        return body.texts[position]

    def _item(self, operand: Operand, shape: Shape, body: _Body, is_cast: bool = False) -> str:
        """Return the expression of an item, which may be computed in the same loop."""
        inner = -1 if operand.value is None else operand.value - self._count
        if inner >= 0 and self._roots[inner] == body.position != inner:
            return self._expression(body, inner, shape)
        return self._read(operand, shape, body, is_cast)

    def _narrowed(self, text: str, dtype: Dtype) -> str:
        """Return an expression in the type in which arrays are stored."""
        return f"(float) ({text})" if dtype.kind == "f" and self._stored != self._number else text

    def _ctype(self, dtype: Dtype) -> str:
        return self._number if dtype.kind == "f" else "int32_t"

    def _formula(self, operation: Operation, texts: Sequence[str]) -> str:
        """Return the expression of an elementwise operation."""
        return formula(operation, texts, self._ctype(operation.dtype), self._suffix)

    def _read(self, operand: Operand, shape: Shape, body: _Body, is_cast: bool = False) -> str:
        """Return the expression of the item of an operand in loops over a shape.

        Args:
            operand: the operand.
            shape: that of the loops.
            body: gets the array.
            is_cast: whether any type will do. Raw integers are doubles, which may be missing.
        """
        if operand.constant is not None and operand.is_number:
            text = self._literal(operand.constant.ravel()[0])
            return f"({text})" if text.startswith("-") else text
        name = self._array(operand, body)
        if operand.shape != shape or operand.places is not None:
            body.moved.add(name)
        item = f"{name}[{self._index(np.broadcast_to(places_of(operand), shape), shape)}]"
        ctype = self._ctype(self._program.type_of(operand))
        is_other = operand.value is not None and body.inputs[name].ctype != ctype
        return f"({ctype}) {item}" if is_other and not is_cast else item

    def _literal(self, number: np.generic) -> str:
        if number.dtype.kind == "f":
            return LITERALS[self._number](number)
        return integer_literal(_narrowed(np.asarray(number)))

    def _array(self, operand: Operand, body: _Body) -> str:
        """Return the name of the array that holds an operand."""
        if operand.constant is not None:
            ctype, numbers = self._ctype(operand.constant.dtype), operand.constant
            numbers = _narrowed(numbers) if ctype == "int32_t" else numbers.astype(float)
            return self._writer.constant(f"{self._name}_constant", numbers, ctype)
        assert operand.value is not None  # noqa: S101  # not a constant
        value = self._values[operand.value]
        for name, other in body.inputs.items():
            if other is value:
                return name
        name = f"x{len(body.inputs)}"
        body.inputs[name] = value
        return name

    def _index(self, places: Array, shape: Shape) -> str:
        """Return the expression of the place for indices `i`, `j`, … of a shape."""
        text = regular_index(places, shape)
        if text is None:
            table = self._writer.constant(
                f"{self._name}_places", places.astype(np.int32), "int32_t"
            )
            text = f"{table}[{place_at(shape)}]"
        return text

    # -- along axes

    def _reduce(self, operation: Operation, body: _Body) -> str:
        """Return loops that combine the items of some axes."""
        (operand,), name, axes = operation.operands, operation.name, operation.axes
        shape = operand.shape
        item = self._item(operand, shape, body)
        others = [axis for axis in range(len(shape)) if axis not in axes]
        at, number = self._index_of(others, shape), self._index_of(axes, shape)
        ctype = self._ctype(self._program.type_of(operand))
        if name.startswith("arg"):
            better = ">" if name == "argmax" else "<"
            start, end = f"{ctype} best = 0;", ""
            text = (
                f"const {ctype} item = {item};\n"
                f"if ({number} == 0 || item {better} best || (item != item && best == best)) "
                f"{{\n    best = item;\n    y[{at}] = {number};\n}}"
            )
        else:
            start = f"{ctype} acc = {STARTS.get(name, 0)};"
            end = f"\ny[{at}] = {self._narrowed('acc', operation.dtype)};"
            text = f"acc = {self._combined(name, 'acc', item)};"
            if name not in STARTS:
                text = f"const {ctype} item = {item};\n"
                text += f"acc = ({number} == 0) ? item : {self._combined(name, 'acc', 'item')};"
        inside = loops(shape, "\n".join([*body.lines, text]), axes)
        return loops(shape, f"{start}\n{inside}{end}", others)

    def _index_of(self, axes: Sequence[int], shape: Shape) -> str:
        """Return the expression of the place of an item in an array that has only some axes."""
        sizes = [shape[axis] if axis in axes else 1 for axis in range(len(shape))]
        places = np.arange(prod(sizes)).reshape(sizes)
        return self._index(np.broadcast_to(places, shape), shape)

    def _combined(self, name: str, a: str, b: str) -> str:
        if name not in EXPRESSIONS:
            raise Untranslatable(f"it calls np.{name}.reduce, which C has no operation for")
        return EXPRESSIONS[name].format(a, b)

    def _accumulate(self, operation: Operation, body: _Body) -> str:
        (operand,), (axis,) = operation.operands, operation.axes
        shape, ctype = operation.shape, self._ctype(operation.dtype)
        item, at, name = self._read(operand, shape, body), place_at(shape), INDICES[axis]
        combined = self._combined(operation.name, "acc", item)
        stored = self._narrowed("acc", operation.dtype)
        text = f"acc = ({name} == 0) ? {item} : {combined};\ny[{at}] = {stored};"
        inside = loops(shape, text, [axis])
        if shape[axis] == 1:
            inside = f"y[{at}] = {self._narrowed(item, operation.dtype)};"
        others = [other for other in range(len(shape)) if other != axis]
        return loops(shape, f"{ctype} acc = 0;\n{inside}" if shape[axis] > 1 else inside, others)

    # -- products, tables

    def _contract(self, operation: Operation, body: _Body) -> str:
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
        shape = tuple(sizes[letter] for letter in order)
        factors = []
        for letters, operand in zip(names, operation.operands, strict=True):
            if operand.constant is not None and operand.is_number:
                factors.append(self._literal(operand.constant.ravel()[0]))
            else:
                places = spread(places_of(operand), letters, order, shape)
                factors.append(f"{self._array(operand, body)}[{self._index(places, shape)}]")
        body.moved.update(body.inputs)
        ordered = np.arange(operation.size).reshape(operation.shape)
        at = self._index(spread(ordered, result, order, shape), shape)
        product_text = self._narrowed(" * ".join(factors), operation.dtype)
        inside = loops(shape, f"y[{at}] += {product_text};")
        return f"for (int i = 0; i < {operation.size}; i++) y[i] = 0;\n{inside}"

    def _rows(
        self, operation: Operation, names: Sequence[str], result: str, body: _Body
    ) -> str | None:
        """Return loops of rows times constant matrices; None for other contractions."""
        if len(names) != 2 or self._number != "float" or operation.dtype.kind != "f":
            return None
        pairs = [*zip(names, operation.operands, strict=True)]
        (a, x), (b, weights) = pairs if pairs[0][1].constant is None else reversed(pairs)
        outer, summed = result[:-1], [letter for letter in b if letter not in result]
        if x.constant is not None or weights.constant is None or len(summed) != 1:
            return None
        leading = [letter for letter in b if letter in outer]
        is_product = result[-1:] in {*b} - {*a} and {*summed} <= {*a} <= {*outer, *summed}
        if not is_product:
            return None
        moved = weights.constant.transpose(
            [b.index(letter) for letter in (*leading, *summed, result[-1])]
        )
        inputs, units = moved.shape[-2:]
        shape, order = operation.shape[:-1], [*outer, *summed]
        of_x = spread(places_of(x), a, order, (*shape, inputs))
        rows = np.arange(moved.size).reshape(moved.shape)[..., 0]
        of_weights = spread(rows, "".join([*leading, *summed]), order, (*shape, inputs))
        of_y = np.arange(prod(shape)).reshape(shape) * units
        if not np.array_equal(of_x, of_x[..., :1] + np.arange(inputs)):
            return None
        places = (of_weights[..., 0], of_x[..., 0], of_y)
        texts = [regular_index(array, shape, ROWS) for array in places]
        if None in texts:
            return None
        source = self._array(x, body)
        matrix = self._array(Operand(moved.shape, None, moved), body)
        body.moved.add(source)
        pointers = [
            name if text == "0" else f"({name} + {text})"
            for name, text in zip((matrix, source, "y"), texts, strict=True)
        ]
        text = product(inputs, units, pointers[0], "0", *pointers[1:])
        return loops(shape, text, names=ROWS)

    def _take(self, operation: Operation, body: _Body) -> str:
        table, places = operation.operands
        shape = prod(places.shape), prod(table.shape[1:])
        at = places_of(places).reshape(-1, 1)
        row = self._read(Operand(at.shape, places.value, None, at), shape, body)
        item = "j" if shape[1] != 1 else "0"
        value = f"{self._array(table, body)}[{row} * {shape[1]} + {item}]"
        return loops(shape, f"y[{place_at(shape)}] = {self._narrowed(value, operation.dtype)};")

    def _search(self, operation: Operation, body: _Body) -> str:
        """Return a binary search for each item."""
        if self._stored != self._number:  # rounding moves numbers past values of the table
            raise Untranslatable("arrays are given in float32, too coarse to search for them")
        table, operand = operation.operands
        shape, before = operation.shape, "<" if operation.name == "left" else "<="
        item, ordered = self._read(operand, shape, body), self._array(table, body)
        ctype = self._ctype(self._program.type_of(operand))
        body.moved.update(body.inputs)
        text = (
            f"const {ctype} item = {item};\n"
            f"int32_t from = 0, to = {prod(table.shape)};\n"
            "while (from < to) {\n"
            "    const int32_t middle = from + (to - from) / 2;\n"
            f"    if ({ordered}[middle] {before} item) from = middle + 1;\n"
            "    else to = middle;\n"
            "}\n"
            f"y[{place_at(shape)}] = from;"
        )
        return loops(shape, text)

    def _join(self, operation: Operation, body: _Body) -> str:
        parts, start = [], 0
        for operand in operation.operands:
            size = prod(operand.shape)
            item = self._read(Operand((size,), operand.value, operand.constant), (size,), body)
            item, where = self._narrowed(item, operation.dtype), f"{start} + i" if start else "i"
            parts.append(f"for (int i = 0; i < {size}; i++) y[{where}] = {item};")
            start += size
        return "\n".join(parts)


def _narrowed(numbers: Array) -> Array:
    """Return integers or booleans as integers of 32 bits."""
    if numbers.size and max(int(numbers.max()), -int(numbers.min())) > LARGEST_INTEGER:
        raise Untranslatable("it computes with integers of more than 32 bits")
    return numbers.astype(np.int32)
