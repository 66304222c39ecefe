"""Sine and cosine for routines: without branches, so that loops over them vectorize.

x is reduced to r = x - n * pi / 2, |r| <= pi / 4, by parts of pi / 2 so short that their multiples
are exact (Cody and Waite); the polynomials are those of the Cephes library and of FreeBSD's msun.
Errors are at most 1.6 units in the last place for float32, and 2.5 for float64. Numbers from 2**20,
in float64 from 2**30, are taken as 0. Infinities and NaN give NaN.
"""

from typing import Any

import numpy as np

from declnet_plugins.jit.routines.elementary_functions import (
    DOUBLE_SHIFT,
    SINGLE_SHIFT,
    choose,
    function,
    of_its_type,
)

F = np.float32
INVERSE = 0.6366197723675814
"""2 / pi."""
PARTS = (
    1.57079632673412561417,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
    8.47842766036889956997e-32,
)
"""pi / 2 as a sum; the first three have 33 bits."""
SINGLE_LARGEST, DOUBLE_LARGEST = F(2.0**20), 2.0**30


@function
def single_sine_and_cosine(x):  # type: ignore[no-untyped-def]
    """Return the sine and the cosine of a float32; r is computed in float64."""
    x = choose(abs(x) >= SINGLE_LARGEST, x - x, x)
    n = (x * F(INVERSE) + SINGLE_SHIFT) - SINGLE_SHIFT
    quarter = n - F(4) * ((n * F(0.25) + SINGLE_SHIFT) - SINGLE_SHIFT)
    r = F((np.float64(x) - np.float64(n) * PARTS[0]) - np.float64(n) * PARTS[1])
    z = r * r
    s = F(-1.9515295891e-4)
    s = s * z + F(8.3321608736e-3)
    s = s * z + F(-1.6666654611e-1)
    c = F(2.443315711809948e-5)
    c = c * z + F(-1.388731625493765e-3)
    c = c * z + F(4.166664568298827e-2)
    return turned(s * (z * r) + r, c * (z * z) - (F(0.5) * z - F(1)), quarter, F(1))


@function
def double_sine_and_cosine(x):  # type: ignore[no-untyped-def]
    """Return the sine and the cosine of a float64."""
    x = choose(abs(x) >= DOUBLE_LARGEST, x - x, x)
    n = (x * INVERSE + DOUBLE_SHIFT) - DOUBLE_SHIFT
    quarter = n - 4.0 * ((n * 0.25 + DOUBLE_SHIFT) - DOUBLE_SHIFT)
    r = (((x - n * PARTS[0]) - n * PARTS[1]) - n * PARTS[2]) - n * PARTS[3]
    z = r * r
    s = 1.58969099521155010221e-10
    s = s * z - 2.50507602534068634195e-8
    s = s * z + 2.75573137070700676789e-6
    s = s * z - 1.98412698298579493134e-4
    s = s * z + 8.33333333332248946124e-3
    s = s * z - 1.66666666666666324348e-1
    c = -1.13596475577881948265e-11
    c = c * z + 2.08757232129817482790e-9
    c = c * z - 2.75573143513906633035e-7
    c = c * z + 2.48015872894767294178e-5
    c = c * z - 1.38888888888741095749e-3
    c = c * z + 4.16666666666666019037e-2
    return turned(s * (z * r) + r, c * (z * z) - (0.5 * z - 1.0), quarter, 1.0)


def turned(sine: Any, cosine: Any, quarter: Any, one: Any) -> Any:
    """Return the sine and the cosine of r + quarter * pi / 2, given those of r."""
    is_odd = abs(quarter) == one
    s, c = choose(is_odd, cosine, sine), choose(is_odd, sine, cosine)
    s = choose((quarter > one) | (quarter < one - one), -s, s)
    return s, choose((quarter > one - one) | (quarter < -one), -c, c)


@function
def sine_and_cosine(x):  # type: ignore[no-untyped-def]
    """Return the sine and the cosine of x, in radians."""
    return of_its_type(x, single_sine_and_cosine(F(x)), double_sine_and_cosine(np.float64(x)))
