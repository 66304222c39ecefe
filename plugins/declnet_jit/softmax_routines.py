"""Softmax and cross-entropy, around NumPy's exponential and logarithm, which are vectorized.

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
            # NaN takes over whichever side it is on, as in np.maximum
            largest[s] = largest[s] if value <= largest[s] else value
    for c in range(classes):
        for s in range(n):
            y[c, s] = x[c, s] - largest[s]


@Routine
def normalize(y, y_true, smallest, probabilities):  # type: ignore[no-untyped-def]
    """Y = y / sum y over the classes; probabilities = clip(sum y_true * y)."""
    classes, n = np.uint64(y.shape[0]), np.uint64(y.shape[1])
    one = probabilities.dtype.type(1)
    largest = one - smallest
    for s in range(n):
        probabilities[s] = y[ZERO, s]
    for c in range(ONE, classes):
        for s in range(n):
            probabilities[s] += y[c, s]
    for s in range(n):
        probabilities[s] = one / probabilities[s]
    for c in range(classes):
        for s in range(n):
            y[c, s] *= probabilities[s]
    for s in range(n):
        probabilities[s] = y[ZERO, s] * y_true[ZERO, s]
    for c in range(ONE, classes):
        for s in range(n):
            probabilities[s] += y[c, s] * y_true[c, s]
    for s in range(n):
        value = probabilities[s]
        value = smallest if value < smallest else value
        probabilities[s] = largest if value > largest else value


@Routine
def weighted_difference(y, y_true, shares, dx):  # type: ignore[no-untyped-def]
    """Dx = (y - y_true) * shares."""
    for c in range(np.uint64(y.shape[0])):
        for s in range(np.uint64(y.shape[1])):
            dx[c, s] = (y[c, s] - y_true[c, s]) * shares[s]
