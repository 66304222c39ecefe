"""Softmax and cross-entropy in one: the gradient is a subtraction."""

from functools import partial

import numpy as np

from declnet import Array, Kernel, KernelCalls, KernelSite
from declnet_standard.layers import Softmax
from declnet_standard.losses.categorical_crossentropy import CategoricalCrossentropy


class SoftmaxCategoricalCrossentropy(Kernel):
    """y = softmax(x), losses = -log(clip(y[label])), dx = y - y_true, for smoothed labels as well.

    x, y, y_true: (n, classes); losses: (n,), which also holds maxima and sums in between. The
    gradient ignores the clipping of the loss.
    """

    type = "softmax_categorical_crossentropy"
    replaces = (Softmax, CategoricalCrossentropy)

    def bind(self, site: KernelSite) -> KernelCalls:
        """Compute softmax, then the loss; log-softmax would save a temporary but be slower."""
        x, y, y_true, losses, dx = site.x, site.y, site.y_true, site.losses, site.dx
        _, loss = site.components

        def forward() -> None:
            _fill_softmax(x, y, losses)
            loss.forward(y, y_true, losses)

        if dx is None:
            return KernelCalls((forward,))
        return KernelCalls((forward,), (partial(np.subtract, y, y_true, dx), site.weigh(dx)))


def _fill_softmax(x: Array, y: Array, row: Array) -> None:
    """y = exp(x - max x) / sum exp(x - max x); row: (n,)."""
    np.maximum.reduce(x, axis=1, out=row)
    np.subtract(x, row[:, None], out=y)
    np.exp(y, out=y)
    np.add.reduce(y, axis=1, out=row)
    np.divide(y, row[:, None], out=y)
