"""Softmax and cross-entropy of hard labels in few passes."""

from collections.abc import Callable
from functools import partial

import numpy as np

from declnet import Array, FusionKernel
from declnet_jit.arrays import batch_last
from declnet_jit.needs_numba import NeedsNumba
from declnet_jit.softmax_routines import normalize, subtract_largest
from declnet_losses import SoftmaxCategoricalCrossentropy

SMALLEST = 1e-7
"""The loss clips probabilities to [SMALLEST, 1 - SMALLEST]."""


class SoftmaxCategoricalCrossentropyKernel(NeedsNumba, FusionKernel):
    """y = softmax(x), losses = -log(clip(y[label])), dx = (y - y_true) * shares.

    Sum and probability are inverted once a sample, and the loss is the inverse's logarithm: a
    relative difference of about 1e-7 in float32. Smoothed labels are left to NumPy.
    """

    type = "softmax_categorical_crossentropy_jit"

    fusion: SoftmaxCategoricalCrossentropy

    def bind(
        self, x: Array, y_true: Array, y: Array, losses: Array, shares: Array, dx: Array | None
    ) -> tuple[Callable[[], object], ...] | None:
        """Fills y, losses and dx; `losses` serves for maxima and sums on the way."""
        if self.fusion.loss.label_smoothing or not batch_last(x, y, dx) or y_true.ndim != 2:
            return None
        if dx is None:  # nothing is trained
            return None
        smallest = y.dtype.type(SMALLEST)
        return (
            subtract_largest.bound(x.T, y.T, losses),
            partial(np.exp, y.T, y.T),
            normalize.bound(y.T, y_true.T, smallest, losses, shares, dx.T),
            partial(np.log, losses, losses),
        )
