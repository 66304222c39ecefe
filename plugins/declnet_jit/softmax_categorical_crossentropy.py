"""Softmax and cross-entropy of hard labels in a few passes."""

from functools import partial

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_jit.arrays import batch_last
from declnet_jit.needs_numba import NumbaKernel
from declnet_jit.softmax_routines import normalize, subtract_largest
from declnet_standard.layers import Softmax
from declnet_standard.losses import CategoricalCrossentropy

SMALLEST = 1e-7
"""The loss clips probabilities to [SMALLEST, 1 - SMALLEST]."""


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
