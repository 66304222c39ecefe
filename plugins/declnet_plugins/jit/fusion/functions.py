"""NumPy's functions on values of a fused loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log as log_of
from typing import Any

import numpy as np

from declnet import Dtype
from declnet_plugins.jit.fusion.lanes import (
    BOOLEAN,
    DOUBLE,
    TYPES,
    Lanes,
    choose,
    exp,
    expm1,
    log,
    log1p,
    tanh,
)

Function = Callable[..., Lanes]

CLIP: Any = np._core.umath.clip  # type: ignore[attr-defined]  # the ufunc that np.clip calls


def is_constant(value: Lanes) -> bool:
    """Return whether a value is the same number in all elements, which is not NaN."""
    return value.is_number or not (value.wide or value.text.startswith("%"))


def maximum(a: Lanes, b: Lanes) -> Lanes:
    """Return the larger value; NaN from either side propagates."""
    return _extreme(a, b, lambda x, y: x > y)


def minimum(a: Lanes, b: Lanes) -> Lanes:
    """Return the smaller value; NaN from either side propagates."""
    return _extreme(a, b, lambda x, y: x < y)


def _extreme(a: Lanes, b: Lanes, is_it: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
    if is_constant(b):
        a, b = b, a
    extreme = choose(is_it(a, b), a, b)  # b if one of them is NaN
    return extreme if is_constant(a) or a.dtype.kind != "f" else choose(a != a, a, extreme)  # noqa: PLR0124


def logaddexp(a: Lanes, b: Lanes) -> Lanes:
    """Return log(exp(a) + exp(b)); equal infinities are kept."""
    larger = maximum(a, b)
    return choose(a == b, a + log_of(2), larger + log1p(exp(-abs(a - b))))


def power(x: Lanes, y: Lanes) -> Lanes:
    """Return x**y, computed in float64 by the logarithm of |x|."""
    dtype, x, y = x.dtype, x.converted(DOUBLE), y.converted(DOUBLE)
    one, nan = (x.code.constant(number, DOUBLE) for number in (1, np.nan))
    size, half = choose(abs(x) == 1, one, exp(y * log(abs(x)))), y * 0.5
    is_whole = y.intrinsic("trunc") == y
    is_odd = is_whole & (half.intrinsic("trunc") != half)
    is_negative = one.intrinsic("copysign", x) < 0
    result = choose(is_negative & is_odd, -size, size)
    result = choose((x < 0) & ~is_whole & (size < np.inf) & (size > 0), nan, result)
    return choose((y == 0) | (x == 1), one, result).converted(dtype)


def constant_power(x: Lanes, exponent: float) -> Lanes:
    """Return x to the power of a constant, by multiplication and roots where that is possible."""
    if exponent in (1, 2, 3, 4):
        square = x * x if exponent > 1 else x
        return square * square if exponent == 4 else square * x if exponent == 3 else square
    if exponent == -1:
        return 1 / x
    if exponent == 0.5:
        return x.intrinsic("sqrt")
    return power(x, x.code.constant(exponent, x.dtype))


def sign(x: Lanes) -> Lanes:
    """Return -1, 0 or 1, or NaN."""
    return choose(x > 0, 1, choose(x < 0, -1, choose(x == 0, 0, x)))


def sinh(x: Lanes) -> Lanes:
    """Return (e + e / (e + 1)) / 2, e = exp(|x|) - 1, with the sign of x."""
    e = expm1(abs(x))
    value = (e + e / (e + 1)) * 0.5
    value = choose(e > 1e30, exp(abs(x) - log_of(2)), value)
    return choose(x < 0, -value, value)


def cosh(x: Lanes) -> Lanes:
    """Return (exp(|x|) + exp(-|x|)) / 2."""
    e = exp(abs(x) - log_of(2))
    return e + 0.25 / e


def _is_finite(x: Lanes) -> Lanes:
    return abs(x) < np.inf


def _boolean(compute: Function) -> Function:
    return lambda *values: compute(*(value.converted(BOOLEAN) for value in values))


FUNCTIONS: Mapping[Any, Function] = {
    np.add: lambda a, b: a | b if a.dtype == BOOLEAN else a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a & b if a.dtype == BOOLEAN else a * b,
    np.divide: lambda a, b: a / b,
    np.negative: lambda a: -a,
    np.positive: lambda a: a,
    np.absolute: abs,
    np.fabs: abs,
    np.square: lambda a: a * a,
    np.reciprocal: lambda a: 1 / a,
    np.sqrt: lambda a: a.intrinsic("sqrt"),
    np.exp: exp,
    np.exp2: lambda a: exp(a.converted(DOUBLE) * log_of(2)).converted(a.dtype),
    np.expm1: expm1,
    np.log: log,
    np.log2: lambda a: log(a) * (1 / log_of(2)),
    np.log10: lambda a: log(a) * (1 / log_of(10)),
    np.log1p: log1p,
    np.logaddexp: logaddexp,
    np.power: power,
    np.float_power: power,
    np.tanh: tanh,
    np.sinh: sinh,
    np.cosh: cosh,
    np.floor: lambda a: a.intrinsic("floor"),
    np.ceil: lambda a: a.intrinsic("ceil"),
    np.trunc: lambda a: a.intrinsic("trunc"),
    np.rint: lambda a: a.intrinsic("rint"),
    np.sign: sign,
    np.copysign: lambda a, b: a.intrinsic("copysign", b),
    np.maximum: maximum,
    np.minimum: minimum,
    np.fmax: lambda a, b: choose(a != a, b, choose(a < b, b, a)),  # noqa: PLR0124
    np.fmin: lambda a, b: choose(a != a, b, choose(a > b, b, a)),  # noqa: PLR0124
    CLIP: lambda a, low, high: minimum(maximum(a, low), high),
    np.greater: lambda a, b: a > b,
    np.greater_equal: lambda a, b: a >= b,
    np.less: lambda a, b: a < b,
    np.less_equal: lambda a, b: a <= b,
    np.equal: lambda a, b: a == b,
    np.not_equal: lambda a, b: a != b,
    np.isnan: lambda a: a != a,  # noqa: PLR0124
    np.isinf: lambda a: abs(a) == np.inf,
    np.isfinite: _is_finite,
    np.logical_and: _boolean(lambda a, b: a & b),
    np.logical_or: _boolean(lambda a, b: a | b),
    np.logical_xor: _boolean(lambda a, b: a ^ b),
    np.logical_not: _boolean(lambda a: ~a),
    np.bitwise_and: lambda a, b: a & b,
    np.bitwise_or: lambda a, b: a | b,
    np.bitwise_xor: lambda a, b: a ^ b,
    np.invert: lambda a: ~a,
    np.where: choose,
}
"""What computes a function of NumPy; `np.astype` is `Lanes.converted`."""


def supports(function: Any, types: tuple[Dtype, ...], result: Dtype, exact: bool = False) -> bool:
    """Return whether a function of NumPy can be computed for arguments of these types.

    Args:
        function: the function.
        types: of its arguments.
        result: the type of what it returns.
        exact: whether to the bit.
    """
    known = all(dtype in TYPES for dtype in (*types, result))
    if not known or function is np.astype:
        return known and not (types[0].kind == "f" and result.kind in "iu")
    if any(dtype.kind == "f" for dtype in types):
        return function in (EXACT if exact else FUNCTIONS)
    return function in WHOLE or (function in OF_BOOLEANS and result == BOOLEAN)


WHOLE: frozenset[Any] = frozenset(
    (
        *(np.add, np.subtract, np.multiply, np.negative, np.positive, np.absolute, np.square),
        *(np.sign, np.maximum, np.minimum, np.greater, np.greater_equal, np.less, np.less_equal),
        *(np.equal, np.not_equal, np.where, CLIP),
    )
)
"""Functions that are computed for integers too."""

OF_BOOLEANS: frozenset[Any] = frozenset(
    (
        *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
        *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert),
    )
)
"""Functions of truth values."""


EXACT: frozenset[Any] = (WHOLE | OF_BOOLEANS) - {np.sign, np.maximum, np.minimum, CLIP} | {
    *(np.divide, np.sqrt, np.reciprocal, np.fabs, np.isnan, np.isinf, np.isfinite),
}
"""Functions of floats that give the same bits as NumPy's on every processor."""


def start_of(reduction: Any, dtype: Dtype, exact: bool = False) -> Any:
    """Return the number to start a reduction with, or None if it cannot be computed.

    The order of sums of floats, and so their bits, differ from NumPy's.
    """
    if dtype not in TYPES or reduction not in _STARTS or (exact and dtype.kind == "f"):
        return None
    if reduction in (np.maximum, np.minimum) and dtype.kind != "f":
        info = np.iinfo(dtype) if dtype != BOOLEAN else None
        low, high = (0, 1) if info is None else (info.min, info.max)
        return low if reduction is np.maximum else high
    return _STARTS[reduction]


_STARTS: Mapping[Any, Any] = {
    np.add: 0,
    np.multiply: 1,
    np.maximum: -np.inf,
    np.minimum: np.inf,
    np.logaddexp: -np.inf,
    np.logical_and: 1,
    np.logical_or: 0,
}
