"""The logistic function, for layers that build on it."""

import numpy as np

from declnet import Array


def fill_logistic(x: Array, out: Array, scratch: Array) -> None:
    """out = 1 / (1 + exp(-x)), exact to the last digits at both ends; nothing overflows.

    With e = exp(-|x|) <= 1 it is 1 / (1 + e) where x >= 0, and e / (1 + e) elsewhere. `out` may be
    `x`; `scratch` is another array of that shape.
    """
    np.absolute(x, out=scratch)
    np.negative(scratch, out=scratch)
    np.exp(scratch, out=scratch)
    np.greater_equal(x, 0, out=out)
    np.maximum(out, scratch, out=out)
    np.add(scratch, 1, out=scratch)
    np.divide(out, scratch, out=out)
