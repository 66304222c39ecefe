"""Softmax and cross-entropy of hard labels in a few passes, around NumPy's vectorized functions.

The arrays of the routines have the batch axis last: (classes, n).
"""

from functools import partial

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_jit.numba_kernel import NumbaKernel, batch_last
from declnet_jit.routine import Routine
from declnet_standard.layers import Softmax
from declnet_standard.losses import CategoricalCrossentropy

ZERO, ONE = np.uint64(0), np.uint64(1)

SMALLEST = 1e-7
"""The loss clips probabilities to [SMALLEST, 1 - SMALLEST]."""


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


class SoftmaxCategoricalCrossentropyKernel(NumbaKernel):
    """y = softmax(x), losses = -log(clip(y[label])), dx = (y - y_true) * normalized weights.

    Sum and probability are inverted once per sample, and the loss is the logarithm of the inverse,
    a relative difference of about 1e-7 in float32. Smoothed labels are left to NumPy.
    """

    type = "softmax_categorical_crossentropy_jit"
    replaces = (Softmax, CategoricalCrossentropy)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, losses and dx; `losses` holds maxima and sums in between."""
        x, y, y_true, losses, dx = site.x, site.y, site.y_true, site.losses, site.dx
        _, loss = site.components
        if dx is None or loss.label_smoothing or not batch_last(x, y, dx) or y_true.ndim != 2:
            return None
        smallest, weights = y.dtype.type(SMALLEST), site.normalized_weights
        return KernelCalls(
            (
                subtract_largest.bound(x.T, y.T, losses),
                partial(np.exp, y.T, y.T),
                normalize.bound(y.T, y_true.T, smallest, losses, weights, dx.T),
                partial(np.log, losses, losses),
            )
        )
