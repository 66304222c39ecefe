"""The tail of the standard normal distribution, equivalent to the error function.

Phi(-a) = erfc(a / sqrt(2)) / 2 = exp(-a**2 / 2) * P(a) / Q(a) for a >= 0.

Source of P and Q: J. F. Hart et al., "Computer Approximations", Wiley 1968, ERFC 5666, as given by
G. West, "Better Approximations to Cumulative Normal Functions", Wilmott Magazine, May 2005. West
uses it up to a = 7.07; since P / Q tends to 1 / (a * sqrt(2 pi)) like the true ratio, it holds
beyond that: the absolute error is at most 2e-16 for all a, the relative one 1e-8 up to a = 7. All
coefficients are positive, so nothing cancels, and float32 keeps its 7 digits.
"""

from math import pi, sqrt

import numpy as np

from declnet import Array

NUMERATOR = (
    3.52624965998911e-2,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
DENOMINATOR = (
    8.83883476483184e-2,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)
FAR = 40
"""Beyond this the tail is 0 even in float64."""


def fill_normal_tail(a: Array, tail: Array, density: Array) -> None:
    """tail = Phi(-a) and density = exp(-a**2 / 2) / sqrt(2 pi), for a from 0 to FAR.

    Args:
        a: not negative.
        tail: filled with the probability of a number above a.
        density: filled with the density.
    """
    _fill_polynomial(a, NUMERATOR, tail)
    _fill_polynomial(a, DENOMINATOR, density)
    np.divide(tail, density, out=tail)
    np.multiply(a, a, out=density)
    np.multiply(density, -0.5, out=density)
    np.exp(density, out=density)
    np.multiply(tail, density, out=tail)
    np.multiply(density, 1 / sqrt(2 * pi), out=density)


def _fill_polynomial(a: Array, coefficients: tuple[float, ...], out: Array) -> None:
    """Evaluate a polynomial by Horner's rule, from the highest power."""
    first, *rest, last = coefficients
    np.multiply(a, first, out=out)
    for coefficient in rest:
        np.add(out, coefficient, out=out)
        np.multiply(out, a, out=out)
    np.add(out, last, out=out)
