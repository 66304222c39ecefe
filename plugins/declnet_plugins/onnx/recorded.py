"""Recorded programs as nodes of a graph, one or a few for each operation."""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, prod

import numpy as np

from declnet import Dtype, Shape
from declnet_plugins.exchange import (
    TranslationSite,
    Untranslatable,
    batched_equation,
    has_its_shape,
)
from declnet_plugins.onnx.writer import GraphWriter
from declnet_plugins.recording import Operand, Operation, SampleProgram

OPERATORS = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg",
    "absolute": "Abs", "fabs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh",
    "sinh": "Sinh", "cosh": "Cosh", "sin": "Sin", "tan": "Tan", "arctan": "Atan",
    "arcsin": "Asin", "arccos": "Acos", "arcsinh": "Asinh", "arccosh": "Acosh",
    "arctanh": "Atanh", "maximum": "Max", "minimum": "Min", "power": "Pow", "sign": "Sign",
    "floor": "Floor", "ceil": "Ceil", "rint": "Round", "reciprocal": "Reciprocal",
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual", "equal": "Equal", "logical_and": "And", "logical_or": "Or",
    "logical_xor": "Xor", "logical_not": "Not", "bitwise_and": "And", "bitwise_or": "Or",
    "invert": "Not", "isnan": "IsNaN", "isinf": "IsInf", "where": "Where", "positive": "Identity",
}  # fmt: skip
"""Operators by the names of NumPy's functions."""

REDUCTIONS = {
    "add": "ReduceSum", "multiply": "ReduceProd", "maximum": "ReduceMax", "minimum": "ReduceMin",
}  # fmt: skip


FEW = 32
"""The longest table that is searched by comparing all of its numbers."""


def _expm1(w: GraphWriter, x: str) -> str:
    """Return tanh(x / 2) * (exp(x) + 1), exact near 0."""
    half = w.op("Tanh", w.compute("Mul", x, 0.5))
    return w.op("Mul", half, w.compute("Add", w.op("Exp", x), 1))


def _log1p(w: GraphWriter, x: str) -> str:
    """Return log(u) * x / (u - 1) with u = 1 + x, exact near 0 (Goldberg, 1991)."""
    u = w.compute("Add", x, 1)
    difference = w.compute("Sub", u, 1)
    is_zero = w.op("Equal", difference, w.like(x, 0))
    divisor = w.where(is_zero, w.like(x, 1), difference)
    exact = w.op("Mul", w.op("Log", u), w.op("Div", x, divisor))
    same = w.op("Equal", x, u)  # infinite
    return w.where(is_zero, x, w.where(same, x, exact))


def _logaddexp(w: GraphWriter, a: str, b: str) -> str:
    away = w.op("Neg", w.op("Abs", w.op("Sub", a, b)))
    return w.op("Add", w.op("Max", a, b), _log1p(w, w.op("Exp", away)))


def _cos(w: GraphWriter, x: str) -> str:
    """Return sin(x + pi / 2) for doubles, whose cosine many versions of onnxruntime lack."""
    if w.type_of(x) == "float32":
        return w.op("Cos", x)
    return w.op("Sin", w.compute("Add", x, pi / 2))


def _copysign(w: GraphWriter, a: str, b: str) -> str:
    """Return a with the sign of b; -0 counts as positive."""
    size = w.op("Abs", a)
    return w.where(w.op("Less", b, w.like(b, 0)), w.op("Neg", size), size)


COMPOSED: dict[str, Callable[..., str]] = {
    "square": lambda w, x: w.op("Mul", x, x),
    "expm1": _expm1,
    "log1p": _log1p,
    "cos": _cos,
    "logaddexp": _logaddexp,
    "copysign": _copysign,
    "exp2": lambda w, x: w.op("Exp", w.compute("Mul", x, log(2))),
    "log2": lambda w, x: w.compute("Div", w.op("Log", x), log(2)),
    "log10": lambda w, x: w.compute("Div", w.op("Log", x), log(10)),
    "not_equal": lambda w, a, b: w.op("Not", w.op("Equal", a, b)),
    "isfinite": lambda w, x: w.op("Not", w.op("Or", w.op("IsNaN", x), w.op("IsInf", x))),
    "clip": lambda w, x, low, high: w.op("Min", w.op("Max", x, low), high),
    "floor_divide": lambda w, a, b: w.op("Floor", w.op("Div", a, b)),
    "remainder": lambda w, a, b: w.op("Sub", a, w.op("Mul", b, w.op("Floor", w.op("Div", a, b)))),
    "trunc": lambda w, x: w.op("Mul", w.op("Sign", x), w.op("Floor", w.op("Abs", x))),
}
"""Functions that are several operators."""


def write_program(
    writer: GraphWriter, site: TranslationSite, program: SampleProgram
) -> tuple[str, ...]:
    """Add the nodes of a program, and return the values of its results."""
    writing = _Writing(writer, site, program)
    for operation in program.operations:
        writing.add(operation)
    for operand in program.refused:
        writer.refuse(writing.read(operand))
    return tuple(map(writing.result, program.results))


class _Writing:
    """The nodes of a program; floats are float64 if declnet computes it so, else float32."""

    def __init__(self, writer: GraphWriter, site: TranslationSite, program: SampleProgram) -> None:
        self._writer, self._program = writer, program
        self._number = "float64" if site.is_double else "float32"
        self._values = [
            writer.cast(value, self._kind(dtype))
            for value, (_, dtype) in zip(site.inputs, program.inputs, strict=True)
        ]

    def add(self, operation: Operation) -> None:
        """Add the nodes of an operation."""
        self._values.append(getattr(self, f"_{operation.kind}")(operation))

    def _kind(self, dtype: Dtype) -> str:
        return self._number if dtype.kind == "f" else "bool" if dtype.kind == "b" else "int64"

    def read(self, operand: Operand) -> str:
        """Return the value of an operand, (n, *shape), or without n if it is constant."""
        w = self._writer
        if operand.constant is not None:
            constant = operand.constant
            kind = self._kind(constant.dtype)
            return w.constant(constant.reshape(()) if operand.is_number else constant, kind)
        assert operand.value is not None  # noqa: S101  # it is not constant
        value, shape = self._values[operand.value], self._program.shape_of(operand.value)
        if operand.places is None:
            return value if shape == operand.shape else w.reshape(value, operand.shape)
        slices, order = operand.as_slices(shape), operand.as_permutation(shape)
        if slices is not None:
            for axis, (part, size) in enumerate(zip(slices, shape, strict=True), start=1):
                if part != slice(0, size, 1):
                    bounds = [part.start], [part.stop], [axis], [part.step]
                    value = w.op("Slice", value, *(w.constant(at, "int64") for at in bounds))
            return value
        if order is not None:
            return w.transpose(value, 0, *(axis + 1 for axis in order))
        flat = w.reshape(value, [prod(shape)])
        places = w.constant(operand.places.ravel(), "int64")
        return w.reshape(w.op("Gather", flat, places, axis=1), operand.shape)

    def result(self, operand: Operand) -> str:
        """Return the value of a result, (n, *shape)."""
        value = self.read(operand)
        return value if operand.constant is None else self.filled(value, operand.shape)

    def filled(self, value: str, shape: Shape) -> str:
        """Return a value for each sample, (n, *shape), of one that is broadcast to it."""
        w = self._writer
        rows = w.op("Shape", self._values[0], start=0, end=1)
        sizes = w.op("Concat", rows, w.constant(list(shape), "int64"), axis=0) if shape else rows
        return w.op("Expand", value, sizes)

    def _map(self, operation: Operation) -> str:
        w, name = self._writer, operation.name
        values = [self.read(operand) for operand in operation.operands]
        kind = self._kind(operation.dtype)
        if name == "cast":
            value = w.cast(values[0], kind)
        elif name in COMPOSED:
            value = COMPOSED[name](w, *values)
        elif name in OPERATORS:
            value = w.op(OPERATORS[name], *values, kind=kind)
        else:
            raise Untranslatable(f"it calls np.{name}, which ONNX has no operator for")
        return value if has_its_shape(operation) else self.filled(value, operation.shape)

    def _reduce(self, operation: Operation) -> str:
        w, name, (operand,) = self._writer, operation.name, operation.operands
        value, axes = self.read(operand), [axis + 1 for axis in operation.axes]
        if name.startswith("arg"):
            operator = "ArgMax" if name == "argmax" else "ArgMin"
            if len(axes) > 1:
                value, axes = w.reshape(value, [prod(operand.shape)]), [1]
            return w.op(operator, value, kind="int64", axis=axes[0], keepdims=0)
        if not axes:  # which in ONNX would be all
            return value
        logical = {"logical_or": "maximum", "logical_and": "minimum"}.get(name)
        if logical is not None:
            number = w.cast(value, "int64")
            return w.cast(w.reduce(REDUCTIONS[logical], number, axes, keep=False), "bool")
        if name not in REDUCTIONS:
            raise Untranslatable(f"it calls np.{name}.reduce, which ONNX has no operator for")
        return w.reduce(REDUCTIONS[name], value, axes, keep=False)

    def _accumulate(self, operation: Operation) -> str:
        if operation.name != "add":
            fault = f"it calls np.{operation.name}.accumulate, which ONNX has no operator for"
            raise Untranslatable(fault)
        w, axis = self._writer, operation.axes[0] + 1
        return w.op("CumSum", self.read(operation.operands[0]), w.constant(axis, "int64"))

    def _contract(self, operation: Operation) -> str:
        values, equation = map(self.read, operation.operands), batched_equation(operation)
        if not equation:
            return self._writer.op("MatMul", *values)
        return self._writer.op("Einsum", *values, equation=equation)

    def _take(self, operation: Operation) -> str:
        table, places = map(self.read, operation.operands)
        return self._writer.op("Gather", table, places, axis=0)

    def _search(self, operation: Operation) -> str:
        """Return the number of items before each number: by halving, if there are many."""
        w, (table, operand) = self._writer, operation.operands
        is_left, x = operation.name == "left", self.read(operand)
        if prod(table.shape) > FEW:
            return self._halving(table, x, is_left)
        one = w.reshape(x, (*operand.shape, 1))
        is_before = w.op("Less" if is_left else "LessOrEqual", self.read(table), one)
        number = w.cast(is_before, "int64")
        return w.reduce("ReduceSum", number, [len(operand.shape) + 1], keep=False)

    def _halving(self, table: Operand, x: str, is_left: bool) -> str:
        w, ordered = self._writer, np.asarray(table.constant)
        size = 1 << len(ordered).bit_length()
        padded = np.full(size, np.inf)
        padded[: len(ordered)] = ordered
        points, before = w.like(x, padded), w.constant(0, "int64")
        step = size // 2
        while step:
            point = w.op("Gather", points, w.compute("Add", before, step - 1), axis=0)
            is_after = w.op("Greater" if is_left else "GreaterOrEqual", x, point)
            moved = w.compute("Mul", w.cast(is_after, "int64"), step)
            before = w.op("Add", moved, before)
            step //= 2
        return w.clip(before, high=len(ordered))

    def _join(self, operation: Operation) -> str:
        parts = []
        for operand in operation.operands:
            value, size = self.read(operand), prod(operand.shape)
            parts.append(self.filled(value, (size,)) if operand.value is None else value)
        return self._writer.concat(parts)
