"""Softmax and cross-entropy, around NumPy's vectorized exponential and logarithm.

Arrays have the batch axis last: (classes, n).
"""

import numpy as np

from declnet_jit.routine import Routine

ZERO, ONE = np.uint64(0), np.uint64(1)


@Routine
def subtract_largest(x, y, largest):  # type: ignore[no-untyped-def]
    """Largest = max x over the classes; y = x - largest."""
    classes, n = np.uint64(x.shape[0]), np.uint64(x.shape[1])
    for s in range(n):
        largest[s] = x[ZERO, s]
    for c in range(ONE, classes):
        for s in range(n):
            value = x[c, s]
            # NaN propagates from either side, as in np.maximum
            largest[s] = largest[s] if value <= largest[s] else value
    for c in range(classes):
        for s in range(n):
            y[c, s] = x[c, s] - largest[s]


@Routine
def normalize(y, y_true, smallest, inverse, weights, dx):  # type: ignore[no-untyped-def]
    """Y = y / sum y; inverse = 1 / clip(sum y_true * y); dx = (y - y_true) * weights."""
    classes, n = np.uint64(y.shape[0]), np.uint64(y.shape[1])
    zero, one = inverse.dtype.type(0), inverse.dtype.type(1)
    largest = one - smallest
    for s in range(n):
        inverse[s] = y[ZERO, s]
    for c in range(ONE, classes):
        for s in range(n):
            inverse[s] += y[c, s]
    for s in range(n):
        inverse[s] = one / inverse[s]
    for c in range(classes):
        for s in range(n):
            y[c, s] *= inverse[s]
    for s in range(n):
        inverse[s] = zero
    for c in range(classes):
        for s in range(n):
            label = y_true[c, s]
            inverse[s] += y[c, s] * label
            dx[c, s] = (y[c, s] - label) * weights[s]
    for s in range(n):
        value = inverse[s]
        value = smallest if value < smallest else value
        inverse[s] = one / (largest if value > largest else value)
