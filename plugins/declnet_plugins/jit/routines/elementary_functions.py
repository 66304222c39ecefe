"""exp, log and functions of these, for routines: without branches, so that loops vectorize.

They take a float32 or a float64 and return the same type. Their errors are at most 1.2 units in the
last place for exp and log, 2 for log1p, and 3 for the others. Denormal numbers, infinities and NaN
are treated as by NumPy's functions.
"""

from functools import partial
from typing import Any

import numpy as np

from declnet_plugins.jit.routines.routine import Intrinsic, Routine

function = partial(Routine, rounding=("contract",), inlined=True)
"""Decorates a function whose sums keep their order, also in routines whose sums may not."""


@Intrinsic
def of_its_type(_context: Any, x: Any, single: Any, double: Any) -> Any:
    """Return `single` if x is a float32, or else `double`; the other is not computed."""
    from numba import types

    is_single = x == types.float32

    def generate(_context: Any, _builder: Any, _signature: Any, arguments: Any) -> Any:
        return arguments[1 if is_single else 2]

    return (single if is_single else double)(x, single, double), generate


@Intrinsic
def choose(_context: Any, _condition: Any, x: Any, _other: Any) -> Any:
    """Return x where a condition holds, else another number of its type; both are computed."""
    from numba import types

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return x(types.boolean, x, x), generate


def _of_bits(compute: Any) -> Any:
    """Return the generator of a float computed from the bits of another.

    Args:
        compute: of an LLVM builder, the bits, their type and the number of bits of the mantissa.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        (x,) = arguments
        is_single = isinstance(x.type, ir.FloatType)
        word, mantissa = (ir.IntType(32), 23) if is_single else (ir.IntType(64), 52)
        bits = compute(builder, builder.bitcast(x, word), word, mantissa)
        return builder.bitcast(bits, x.type)

    return generate


@Intrinsic
def low_bits_as_exponent(_context: Any, x: Any) -> Any:
    """Return the number whose exponent is the last bits of x's mantissa, and its own mantissa 0."""

    def compute(builder: Any, bits: Any, word: Any, mantissa: int) -> Any:
        return builder.shl(bits, word(mantissa))

    return x(x), _of_bits(compute)


ROOT = {23: 0x3F3504F3, 52: 0x3FE6A09E667F3BCD}
"""The bits of sqrt(1/2), by the bits of the mantissa."""


@Intrinsic
def mantissa_near_one(_context: Any, x: Any) -> Any:
    """Return x / 2**k, for the k with which that is between sqrt(1/2) and sqrt(2)."""

    def compute(builder: Any, bits: Any, word: Any, mantissa: int) -> Any:
        root = word(ROOT[mantissa])
        fraction = builder.and_(builder.sub(bits, root), word((1 << mantissa) - 1))
        return builder.add(fraction, root)

    return x(x), _of_bits(compute)


@Intrinsic
def exponent_as_low_bits(_context: Any, x: Any) -> Any:
    """Return k + 3/2 * 2**mantissa bits, for the k of `mantissa_near_one`."""

    def compute(builder: Any, bits: Any, word: Any, mantissa: int) -> Any:
        k = builder.ashr(builder.sub(bits, word(ROOT[mantissa])), word(mantissa))
        offset = SHIFTS[mantissa]
        return builder.add(k, word(int(offset.view(f"i{offset.itemsize}"))))

    return x(x), _of_bits(compute)


F = np.float32
SINGLE_SHIFT, DOUBLE_SHIFT = F(1.5 * 2.0**23), 1.5 * 2.0**52
"""Added to a number, they leave its integer part in the last bits."""
SHIFTS: dict[int, Any] = {23: SINGLE_SHIFT, 52: np.float64(DOUBLE_SHIFT)}
"""The same by the bits of the mantissa."""
SINGLE_HIGH, SINGLE_LOW = F(0.693359375), F(-2.12194440e-4)
DOUBLE_HIGH, DOUBLE_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log(2) in two parts, the first with so few bits that its multiples are exact."""
INVERSE = 1.4426950408889634
"""1 / log(2)."""


@function
def single_series(r):  # type: ignore[no-untyped-def]
    """Return exp(r) - 1 for |r| <= log(2) / 2, by Taylor's series up to r**7 / 7!."""
    q = F(1 / 5040)
    q = q * r + F(1 / 720)
    q = q * r + F(1 / 120)
    q = q * r + F(1 / 24)
    q = q * r + F(1 / 6)
    q = q * r + F(1 / 2)
    return q * (r * r) + r


@function
def double_series(r):  # type: ignore[no-untyped-def]
    """Return exp(r) - 1 for |r| <= log(2) / 2, by Taylor's series up to r**13 / 13!."""
    q = 1 / 6227020800
    q = q * r + 1 / 479001600
    q = q * r + 1 / 39916800
    q = q * r + 1 / 3628800
    q = q * r + 1 / 362880
    q = q * r + 1 / 40320
    q = q * r + 1 / 5040
    q = q * r + 1 / 720
    q = q * r + 1 / 120
    q = q * r + 1 / 24
    q = q * r + 1 / 6
    q = q * r + 1 / 2
    return q * (r * r) + r


@function
def series(r):  # type: ignore[no-untyped-def]
    """Return exp(r) - 1 for |r| <= log(2) / 2."""
    return of_its_type(r, single_series(F(r)), double_series(np.float64(r)))


@function
def whole(x):  # type: ignore[no-untyped-def]
    """Return x rounded to a whole number."""
    shift = of_its_type(x, SINGLE_SHIFT, DOUBLE_SHIFT)
    return (x + shift) - shift


@function
def remainder(x, n):  # type: ignore[no-untyped-def]
    """Return x - n * log(2)."""
    high = of_its_type(x, SINGLE_HIGH, DOUBLE_HIGH)
    return (x - n * high) - n * of_its_type(x, SINGLE_LOW, DOUBLE_LOW)


@function
def power(n):  # type: ignore[no-untyped-def]
    """Return 2**n of a whole number from -126 to 127, in float64 from -1022 to 1023."""
    return low_bits_as_exponent(n + of_its_type(n, SINGLE_SHIFT + F(127), DOUBLE_SHIFT + 1023.0))


@function
def scaled(x, n):  # type: ignore[no-untyped-def]
    """Return x * 2**n, with 2**n in two factors, as it may be beyond the exponents."""
    half = whole(n * of_its_type(n, F(0.5), 0.5))
    return x * power(half) * power(n - half)


@function
def clipped(x, low, high):  # type: ignore[no-untyped-def]
    """Return the number between two others that is nearest to x; NaN stays."""
    x = choose(x < low, low, x)
    return choose(x > high, high, x)


@function
def exp(x):  # type: ignore[no-untyped-def]
    """Return e**x.

    It is 2**n * exp(x - n * log(2)), and 0 or infinity beyond the bounds of x.
    """
    one, inverse = of_its_type(x, F(1), 1.0), of_its_type(x, F(INVERSE), INVERSE)
    x = clipped(x, of_its_type(x, F(-104), -746.0), of_its_type(x, F(89), 710.0))
    n = whole(x * inverse)
    return scaled(series(remainder(x, n)) + one, n)


@function
def single_log_series(z):  # type: ignore[no-untyped-def]
    """Return log((1 + s) / (1 - s)) / s - 2, z = s * s, with FreeBSD's coefficients up to s**8."""
    r = F(0.24279078841)
    r = r * z + F(0.28498786688)
    r = r * z + F(0.40000972152)
    return (r * z + F(0.66666662693)) * z


@function
def double_log_series(z):  # type: ignore[no-untyped-def]
    """Return the same with FreeBSD's coefficients up to s**14."""
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    return (r * z + 6.666666666666735130e-01) * z


@function
def log(x):  # type: ignore[no-untyped-def]
    """Return the natural logarithm of x.

    It is k * log(2) + log(1 + f), x = 2**k * (1 + f), by the series of s = f / (2 + f).
    """
    zero, two = of_its_type(x, F(0), 0.0), of_its_type(x, F(2), 2.0)
    tiny = x < of_its_type(x, SINGLE_TINY, DOUBLE_TINY)
    normal = choose(tiny, x * of_its_type(x, F(2.0**23), 2.0**52), x)
    added = choose(tiny, of_its_type(x, F(23), 52.0), zero)
    k = exponent_as_low_bits(normal) - of_its_type(x, SINGLE_SHIFT, DOUBLE_SHIFT) - added
    f = mantissa_near_one(normal) - of_its_type(x, F(1), 1.0)
    s = f / (two + f)
    r = of_its_type(x, single_log_series(F(s * s)), double_log_series(np.float64(s * s)))
    half = f * f * of_its_type(x, F(0.5), 0.5)
    low = k * of_its_type(x, F(LOG_LOW), DOUBLE_LOW)
    value = (s * (half + r) + low - half + f) + k * of_its_type(x, F(LOG_HIGH), DOUBLE_HIGH)
    value = choose(x > of_its_type(x, SINGLE_LARGEST, DOUBLE_LARGEST), x, value)
    value = choose(x == zero, of_its_type(x, -SINGLE_INFINITY, -np.inf), value)
    return choose(x >= zero, value, of_its_type(x, SINGLE_NAN, np.nan))


SINGLE_TINY, DOUBLE_TINY = np.finfo(F).tiny, float(np.finfo(float).tiny)
SINGLE_LARGEST, DOUBLE_LARGEST = np.finfo(F).max, float(np.finfo(float).max)
SINGLE_INFINITY, SINGLE_NAN = F(np.inf), F(np.nan)
LOG_HIGH, LOG_LOW = 6.9313812256e-01, 9.0580006145e-06
"""log(2) in two parts, for float32."""


@function
def log1p(x):  # type: ignore[no-untyped-def]
    """Return log(1 + x), with the rounding of 1 + x corrected."""
    one = of_its_type(x, F(1), 1.0)
    whole = one + x
    lost = (x - (whole - one)) / whole
    return log(whole) + choose(lost == lost, lost, one - one)  # noqa: PLR0124


@function
def logistic(x):  # type: ignore[no-untyped-def]
    """Return 1 / (1 + exp(-x))."""
    one = of_its_type(x, F(1), 1.0)
    small = exp(-abs(x))
    return choose(x >= one - one, one, small) / (one + small)


@function
def expm1(x):  # type: ignore[no-untyped-def]
    """Return e**x - 1.

    It is (exp(x - n * log(2)) - 1 + (1 - 2**-n)) * 2**n.
    """
    one, inverse = of_its_type(x, F(1), 1.0), of_its_type(x, F(INVERSE), INVERSE)
    x = clipped(x, of_its_type(x, F(-80), -80.0), of_its_type(x, F(89), 710.0))
    n, most = whole(x * inverse), of_its_type(x, F(126), 1022.0)
    rest = one - power(-choose(n > most, most, n))
    return scaled(series(remainder(x, n)) + rest, n)


@function
def tanh(x):  # type: ignore[no-untyped-def]
    """Return the hyperbolic tangent of x.

    It is t / (t + 2), t = exp(2 x) - 1. Beyond the bounds of x, it rounds to -1 or 1.
    """
    one, inverse = of_its_type(x, F(1), 1.0), of_its_type(x, F(INVERSE), INVERSE)
    x = clipped(x, of_its_type(x, F(-10), -20.0), of_its_type(x, F(10), 20.0))
    x = x + x
    n = whole(x * inverse)
    t = series(remainder(x, n)) * power(n) + (power(n) - one)
    return t / (t + (one + one))
