"""Last layers with their cross-entropies: softmax and categorical, sigmoid and binary.

The arrays of the routines have the batch axis last, (features, n). They take a block of samples at
a time, whose rows stay in the L1 cache; the loss of each sample also holds its maximum and sums in
between. Divisible by samples.
"""

from math import log as log_of

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, exp, log, log1p, share
from declnet_plugins.kernels.memory_orders import batch_last, rows_of_features
from declnet_plugins.standard.layers.activations import Sigmoid, Softmax
from declnet_plugins.standard.losses.classification import (
    SMALLEST,
    BinaryCrossentropy,
    CategoricalCrossentropy,
)

BLOCK = np.uint64(256)
ZERO, ONE = np.uint64(0), np.uint64(1)


@Routine
def fill_softmax(x, start, stop, y, total):  # type: ignore[no-untyped-def]
    """Y = exp(x - max x) / sum exp(x - max x) for samples from start to stop."""
    classes, one = np.uint64(x.shape[0]), total.dtype.type(1)
    for s in range(start, stop):
        total[s] = x[ZERO, s]
    for c in range(ONE, classes):
        for s in range(start, stop):
            value, largest = x[c, s], total[s]
            total[s] = largest if value <= largest else value  # NaN from either side propagates
    for c in range(classes):
        for s in range(start, stop):
            y[c, s] = exp(x[c, s] - total[s])
    for s in range(start, stop):
        total[s] = y[ZERO, s]
    for c in range(ONE, classes):
        for s in range(start, stop):
            total[s] += y[c, s]
    for s in range(start, stop):
        total[s] = one / total[s]
    for c in range(classes):
        for s in range(start, stop):
            y[c, s] *= total[s]


@Routine
def softmax_crossentropy(  # type: ignore[no-untyped-def]
    part, parts, x, y_true, smoothed, smallest, weights, y, losses, dx
):
    """Y = softmax(x); losses = -log(clip(sum y_true * y)); dx = (y - y_true) * weights.

    Of smoothed labels, losses = -sum y_true * log(clip(y)). dx of no rows is not filled.
    """
    classes, zero = np.uint64(x.shape[0]), losses.dtype.type(0)
    largest = losses.dtype.type(1) - smallest
    first, last = share(x.shape[1], part, parts)
    for start in range(first, last, BLOCK):
        stop = min(last, start + BLOCK)
        fill_softmax(x, start, stop, y, losses)
        for s in range(start, stop):
            losses[s] = zero
        for c in range(classes):
            if smoothed:
                for s in range(start, stop):
                    value = y[c, s]
                    value = smallest if value < smallest else value
                    losses[s] -= y_true[c, s] * log(largest if value > largest else value)
            else:
                for s in range(start, stop):
                    losses[s] += y_true[c, s] * y[c, s]
        if not smoothed:
            for s in range(start, stop):
                value = losses[s]
                value = smallest if value < smallest else value
                losses[s] = -log(largest if value > largest else value)
        for c in range(np.uint64(dx.shape[0])):
            for s in range(start, stop):
                dx[c, s] = (y[c, s] - y_true[c, s]) * weights[s]


@Routine
def sigmoid_crossentropy(  # type: ignore[no-untyped-def]
    part, parts, x, y_true, low, high, weights, y, losses, dx
):
    """Y = 1 / (1 + exp(-x)); losses = mean log(1 + exp(c)) - y_true * c, c = clip(x, low, high).

    dx = (y - y_true) * weights / outputs. With small = exp(-|x|), y = 1 / (1 + small) or
    small / (1 + small), and log(1 + exp(c)) = max(c, 0) + log(1 + exp(-|c|)).
    """
    outputs, zero, one = np.uint64(x.shape[0]), losses.dtype.type(0), losses.dtype.type(1)
    fraction = one / losses.dtype.type(outputs)
    exp_low, exp_high = exp(low), exp(-high)
    first, last = share(x.shape[1], part, parts)
    for start in range(first, last, BLOCK):
        stop = min(last, start + BLOCK)
        for s in range(start, stop):
            losses[s] = zero
        for c in range(outputs):
            for s in range(start, stop):
                logit = x[c, s]
                small = exp(-abs(logit))
                y[c, s] = (one if logit >= zero else small) / (one + small)
                bounded = low if logit < low else logit
                bounded = high if bounded > high else bounded
                least = exp_high if logit > zero else exp_low
                softplus = log1p(least if small < least else small)
                softplus += bounded if bounded > zero else zero
                losses[s] += softplus - bounded * y_true[c, s]
        for s in range(start, stop):
            losses[s] *= fraction
        for c in range(np.uint64(dx.shape[0])):
            for s in range(start, stop):
                dx[c, s] = (y[c, s] - y_true[c, s]) * (weights[s] * fraction)


class SoftmaxCategoricalCrossentropyKernel(CompiledKernel):
    """y = softmax(x), losses = -log(clip(y[label])), dx = (y - y_true) * normalized weights.

    For smoothed labels as well. The gradient ignores the clipping of the loss, like the NumPy
    kernel does.
    """

    type = "softmax_categorical_crossentropy_jit"
    replaces = (Softmax, CategoricalCrossentropy)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, losses and dx in one call."""
        x, y, dx = site.x, site.y, site.dx
        if not batch_last(x, y, dx) or site.y_true.ndim != 2:
            return None
        smoothed = bool(site.components[1].label_smoothing)
        call = softmax_crossentropy.bound(
            x.T,
            site.y_true.T,
            smoothed,
            y.dtype.type(SMALLEST),
            site.normalized_weights,
            y.T,
            site.losses,
            y.T[:0] if dx is None else dx.T,
        )
        return KernelCalls((call,))


class SigmoidBinaryCrossentropyKernel(CompiledKernel):
    """y = sigmoid(x), losses = mean of log(1 + exp(c)) - y_true * c, dx = (y - y_true) / outputs.

    c = clip(x) is the logit of the probability as the loss clips it in this type. The gradient,
    multiplied by the normalized weights, ignores the clipping, as that of the NumPy kernel does.
    """

    type = "sigmoid_binary_crossentropy_jit"
    replaces = (Sigmoid, BinaryCrossentropy)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, losses and dx in one call."""
        rows = rows_of_features(site.x, site.y, site.y_true, site.dx)
        if rows is None:
            return None
        x, y, y_true, dx = rows
        kind = y.dtype.type
        low, high = (
            kind(_logit(float(kind(probability)))) for probability in (SMALLEST, 1 - SMALLEST)
        )
        weights, losses = site.normalized_weights, site.losses
        gradient = y[:0] if dx is None else dx
        call = sigmoid_crossentropy.bound(x, y_true, low, high, weights, y, losses, gradient)
        return KernelCalls((call,))


def _logit(probability: float) -> float:
    return log_of(probability / (1 - probability))
