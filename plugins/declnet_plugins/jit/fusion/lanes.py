"""Values in the code of a fused loop, and NumPy's functions of them, as text for LLVM.

A value is a number, or the lanes of a vector for neighboring elements. The elementary functions are
those that routines call: their Python code is run on values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from declnet import Dtype
from declnet_plugins.jit.routines import elementary_functions
from declnet_plugins.jit.routines.references import referenced
from declnet_plugins.jit.routines.routine import Routine

TYPES = {
    np.dtype(name): text
    for name, text in (
        *(("float32", "float"), ("float64", "double"), ("int64", "i64"), ("int32", "i32")),
        *(("uint8", "i8"), ("bool", "i1")),
    )
}
"""LLVM's names of the types of elements."""

SINGLE, DOUBLE, BOOLEAN = (np.dtype(name) for name in ("float32", "float64", "bool"))


class Code:
    """The text of a function, to which instructions are added.

    Args:
        lanes: the number of lanes of a vector.

    Attributes:
        block: the label of the block to which instructions are added.
        contracts: whether a product and a sum may be rounded once. Only elementary functions do
            so, since what calls of NumPy give must not depend on which others they are fused with.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes, self.block, self.contracts = lanes, "entry", False
        self.first: list[str] = []
        """Instructions that come before all others."""
        self.rest: list[str] = []
        self.declared: dict[str, str] = {}
        self._count = 0
        self._constants: dict[tuple[str, str, bool], Lanes] = {}

    def line(self, text: str, to: list[str] | None = None) -> str:
        """Add an instruction with a result; return the name of the result."""
        self._count += 1
        name = f"%v{self._count}"
        (self.rest if to is None else to).append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        """Add an instruction without a result."""
        self.rest.append(f"  {text}")

    def label(self) -> str:
        """Return the name of a new block."""
        self._count += 1
        return f"b{self._count}"

    def begin(self, block: str) -> None:
        """Begin a block."""
        self.rest.append(f"{block}:")
        self.block = block

    def type(self, dtype: Dtype, wide: bool) -> str:
        """Return the name of the type of a value."""
        return f"<{self.lanes} x {TYPES[dtype]}>" if wide else TYPES[dtype]

    def call(self, function: str, result: str, arguments: Sequence[tuple[str, str]]) -> str:
        """Add a call of one of LLVM's functions; return the name of its result, if it has one."""
        kinds = ", ".join(kind for kind, _ in arguments)
        self.declared[function] = f"declare {result} @{function}({kinds})"
        text = f"call {result} @{function}({', '.join(map(' '.join, arguments))})"
        if result == "void":
            self.do(text)
            return ""
        return self.line(text)

    def constant(self, number: Any, dtype: Dtype, wide: bool = False) -> Lanes:
        """Return a number, in all lanes if it is wide."""
        text = _constant(number, dtype)
        key = text, dtype.char, wide
        if key not in self._constants:
            value = Lanes(self, text, dtype, False)
            self._constants[key] = self.repeated(value, self.first) if wide else value
        return self._constants[key]

    def repeated(self, value: Lanes, to: list[str] | None = None) -> Lanes:
        """Return a value with a number in all lanes."""
        if value.wide:
            return value
        kind, n = self.type(value.dtype, True), self.lanes
        one = self.line(f"insertelement {kind} poison, {value}, i32 0", to)
        zeros = f"<{n} x i32> zeroinitializer"
        text = self.line(f"shufflevector {kind} {one}, {kind} poison, {zeros}", to)
        return Lanes(self, text, value.dtype, True)


def _constant(number: Any, dtype: Dtype) -> str:
    if dtype.kind == "f":
        return f"0x{struct.unpack('=Q', struct.pack('=d', float(dtype.type(number))))[0]:016X}"
    return str(int(number))


class Lanes:
    """A value: a number, or if it is `wide` the lanes of a vector, of which operators make others.

    Attributes:
        text: its name, or a constant.
    """

    __array_ufunc__ = None
    """Numbers of NumPy leave the operation to the value."""
    is_converted = False
    """Whether an elementary function has converted it from another type."""
    is_number = False
    """Whether it is a number of the block, which is not NaN."""

    def __init__(self, code: Code, text: str, dtype: Dtype, wide: bool) -> None:
        self.code, self.text, self.dtype, self.wide = code, text, dtype, wide

    def __str__(self) -> str:
        """Return the value with its type, as the first operand of an instruction."""
        return f"{self.type} {self.text}"

    @property
    def type(self) -> str:
        """The name of its type."""
        return self.code.type(self.dtype, self.wide)

    def like(self, text: str, dtype: Dtype | None = None) -> Lanes:
        """Return another value with as many lanes."""
        return Lanes(self.code, text, self.dtype if dtype is None else dtype, self.wide)

    def matched(self, other: Any) -> tuple[Lanes, Lanes]:
        """Return this value and another one or a constant, with as many lanes."""
        if not isinstance(other, Lanes):
            return self, self.code.constant(other, self.dtype, self.wide)
        if self.wide != other.wide:
            return self.code.repeated(self), self.code.repeated(other)
        return self, other

    def binary(self, instruction: str, other: Any, reflected: bool = False) -> Lanes:
        """Return the result of an instruction."""
        a, b = self.matched(other)
        a, b = (b, a) if reflected else (a, b)
        return a.like(a.code.line(f"{instruction} {a}, {b.text}"))

    def arithmetic(self, name: str, other: Any, reflected: bool = False) -> Lanes:
        """Return a sum, difference or product."""
        floats = self.dtype.kind == "f"
        instruction = f"f{name} contract" if self.code.contracts else f"f{name}"
        return self.binary(instruction if floats else name, other, reflected)

    def compare(self, ordered: str, other: Any) -> Lanes:
        """Return the result of a comparison."""
        a, b = self.matched(other)
        if self.dtype.kind == "f":
            test = f"fcmp {'une' if ordered == 'ne' else 'o' + ordered}"
        else:
            signed = self.dtype.kind == "i" or ordered in ("eq", "ne")
            prefix = "" if ordered in ("eq", "ne") else "s" if signed else "u"
            test = f"icmp {prefix}{ordered}"
        return a.like(a.code.line(f"{test} {a}, {b.text}"), BOOLEAN)

    def intrinsic(self, name: str, *others: Lanes) -> Lanes:
        """Return the result of one of LLVM's functions for the type of the value."""
        a, values = self, [self]
        for other in others:
            a, b = a.matched(other)
            values.append(b)
        values = [value if value.wide == a.wide else a.code.repeated(value) for value in values]
        size = f"{'f' if self.dtype.kind == 'f' else 'i'}{8 * self.dtype.itemsize}"
        suffix = f"v{self.code.lanes}{size}" if a.wide else size
        arguments = [(value.type, value.text) for value in values]
        return a.like(a.code.call(f"llvm.{name}.{suffix}", a.type, arguments))

    def converted(self, dtype: Dtype) -> Lanes:
        """Return the value as another type, as NumPy converts it."""
        if dtype == self.dtype:
            return self
        kinds = self.dtype.kind + dtype.kind
        if dtype == BOOLEAN:
            return self != 0
        if kinds == "ff":
            instruction = "fpext" if dtype.itemsize > self.dtype.itemsize else "fptrunc"
        elif dtype.kind == "f":
            instruction = "sitofp" if self.dtype.kind == "i" else "uitofp"
        elif dtype.itemsize > self.dtype.itemsize or self.dtype == BOOLEAN:
            instruction = "sext" if self.dtype.kind == "i" else "zext"
        else:
            instruction = "trunc"
        to = self.code.type(dtype, self.wide)
        return self.like(self.code.line(f"{instruction} {self} to {to}"), dtype)

    def bits(self, compute: Callable[[Any, int], Any]) -> Lanes:
        """Return the float computed from the bits, given with the bits of the mantissa."""
        word = np.dtype(f"i{self.dtype.itemsize}")
        kind, mantissa = self.code.type(word, self.wide), 23 if self.dtype == SINGLE else 52
        whole = self.like(self.code.line(f"bitcast {self} to {kind}"), word)
        result = compute(whole, mantissa)
        return self.like(self.code.line(f"bitcast {result} to {self.type}"))

    def __neg__(self) -> Lanes:
        if self.dtype.kind == "f":
            return self.like(self.code.line(f"fneg {self}"))
        return self.arithmetic("sub", 0, True)

    def __abs__(self) -> Lanes:
        if self.dtype.kind == "f":
            return self.intrinsic("fabs")
        return choose(self < 0, -self, self) if self.dtype.kind == "i" else self

    def __truediv__(self, other: Any) -> Lanes:
        return self.binary("fdiv", other)

    def __rtruediv__(self, other: Any) -> Lanes:
        return self.binary("fdiv", other, True)

    def __invert__(self) -> Lanes:
        return self.binary("xor", 1 if self.dtype == BOOLEAN else -1)

    def __add__(self, other: Any) -> Lanes:
        return self.arithmetic("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self.arithmetic("sub", other)

    def __rsub__(self, other: Any) -> Lanes:
        return self.arithmetic("sub", other, True)

    def __mul__(self, other: Any) -> Lanes:
        return self.arithmetic("mul", other)

    __radd__, __rmul__ = __add__, __mul__

    def __or__(self, other: Any) -> Lanes:
        return self.binary("or", other)

    def __and__(self, other: Any) -> Lanes:
        return self.binary("and", other)

    def __xor__(self, other: Any) -> Lanes:
        return self.binary("xor", other)

    def __lt__(self, other: Any) -> Lanes:
        return self.compare("lt", other)

    def __le__(self, other: Any) -> Lanes:
        return self.compare("le", other)

    def __gt__(self, other: Any) -> Lanes:
        return self.compare("gt", other)

    def __ge__(self, other: Any) -> Lanes:
        return self.compare("ge", other)

    def __eq__(self, other: Any) -> Lanes:  # type: ignore[override]
        return self.compare("eq", other)

    def __ne__(self, other: Any) -> Lanes:  # type: ignore[override]
        return self.compare("ne", other)

    __hash__ = None  # type: ignore[assignment]


def choose(condition: Lanes, x: Any, other: Any) -> Lanes:
    """Return x where a condition holds, else another value or constant."""
    code = condition.code
    if not isinstance(x, Lanes):
        dtype = other.dtype if isinstance(other, Lanes) else np.asarray(x).dtype
        x = code.constant(x, dtype)
    chosen, rest = x.matched(other)
    if condition.wide or chosen.wide:
        condition, chosen, rest = map(code.repeated, (condition, chosen, rest))
    result: Lanes = chosen.like(code.line(f"select {condition}, {chosen}, {rest}"))
    return result


def _low_bits_as_exponent(x: Lanes) -> Lanes:
    return x.bits(lambda bits, mantissa: bits.binary("shl", mantissa))


def _mantissa_near_one(x: Lanes) -> Lanes:
    def compute(bits: Lanes, mantissa: int) -> Lanes:
        root = elementary_functions.ROOT[mantissa]
        return ((bits - root) & ((1 << mantissa) - 1)) + root

    return x.bits(compute)


def _exponent_as_low_bits(x: Lanes) -> Lanes:
    def compute(bits: Lanes, mantissa: int) -> Lanes:
        shift = elementary_functions.SHIFTS[mantissa]
        root = elementary_functions.ROOT[mantissa]
        return (bits - root).binary("ashr", mantissa) + int(shift.view(bits.dtype))

    return x.bits(compute)


def _of_its_type(x: Lanes, single: Any, double: Any) -> Any:
    return single if x.dtype == SINGLE else double


def _as(kind: Any, number: Any) -> Any:
    """Return a number, or a value, as a type."""
    if not isinstance(number, Lanes):
        return kind(number)
    value = number.converted(np.dtype(kind))
    value.is_converted = value is not number
    return value


_IN_PLACE_OF: Mapping[str, Any] = {
    "choose": choose,
    "exponent_as_low_bits": _exponent_as_low_bits,
    "low_bits_as_exponent": _low_bits_as_exponent,
    "mantissa_near_one": _mantissa_near_one,
    "of_its_type": _of_its_type,
    "F": partial(_as, np.float32),
    "np": SimpleNamespace(
        float64=partial(_as, np.float64), inf=np.float64(np.inf), nan=np.float64(np.nan)
    ),
}
"""What the names in elementary functions mean when they run on values."""


@cache
def on_values(function: Routine | FunctionType) -> Callable[..., Any]:
    """Return an elementary function as one of values.

    A function for one type returns None for a value that was of the other type.
    """
    plain: Any = getattr(function, "__wrapped__", function)
    scope = dict(plain.__globals__)
    for name, value in referenced(plain).items():
        if name in _IN_PLACE_OF:
            scope[name] = _IN_PLACE_OF[name]
        elif isinstance(value, Routine | FunctionType):
            scope[name] = on_values(value)
    function_of_values = FunctionType(plain.__code__, scope, plain.__name__)

    def run(x: Any, *others: Any) -> Any:
        code, before = x.code, x.code.contracts
        code.contracts = True
        result = function_of_values(x, *others)
        code.contracts = before
        return result

    if not plain.__name__.startswith(("single_", "double_")):
        return run
    return lambda x: None if x.is_converted else run(x)


exp: Callable[[Lanes], Lanes]
expm1: Callable[[Lanes], Lanes]
log: Callable[[Lanes], Lanes]
log1p: Callable[[Lanes], Lanes]
tanh: Callable[[Lanes], Lanes]
exp, expm1, log, log1p, tanh = (
    on_values(getattr(elementary_functions, name))
    for name in ("exp", "expm1", "log", "log1p", "tanh")
)
