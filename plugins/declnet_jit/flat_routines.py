"""Updates of the flat parameter vector, in one pass over memory."""

import numpy as np

from declnet_jit.routine import Routine


@Routine
def adam(w, dw, momentum, cache, beta_1, beta_2, epsilon, rate):  # type: ignore[no-untyped-def]
    """Update both moments, then w -= rate * momentum / (sqrt(cache) + epsilon)."""
    kind = w.dtype.type
    keep_1, keep_2, small, factor = kind(beta_1), kind(beta_2), kind(epsilon), kind(rate)
    for i in range(np.uint64(w.size)):
        slope = dw[i]
        first = momentum[i] * keep_1 + slope
        second = cache[i] * keep_2 + slope * slope
        momentum[i] = first
        cache[i] = second
        w[i] -= factor * first / (np.sqrt(second) + small)


@Routine
def add_multiple(w, factor, dw):  # type: ignore[no-untyped-def]
    """Dw += factor * w."""
    scale = w.dtype.type(factor)
    for i in range(np.uint64(w.size)):
        dw[i] += scale * w[i]
