"""A last layer and its cross-entropy in one call, whose gradient is a subtraction."""

from functools import partial
from math import log

import numpy as np

from declnet import Array, Kernel, KernelCalls, KernelSite
from declnet_plugins.standard.layers.activations import Sigmoid, Softmax, fill_softmax
from declnet_plugins.standard.losses.classification import (
    SMALLEST,
    BinaryCrossentropy,
    CategoricalCrossentropy,
)
from declnet_plugins.standard.losses.sample_means import outputs_of, room_for_elements, take_means

LARGEST_LOGIT = log((1 - SMALLEST) / SMALLEST)
"""Logit of the probability 1 - SMALLEST; clipping logits there clips the probabilities."""

LARGEST_EXPONENT = 80.0
"""Its exponential and the reciprocal of that are finite in both float types."""


class SigmoidBinaryCrossentropy(Kernel):
    """y = sigmoid(x), losses = mean of log(1 + exp(c)) - y_true * c, dx = (y - y_true) / outputs.

    c = clip(x) is the logit of the clipped probability. The losses equal those of the separate
    loss with less rounding: in float32, 1 - y has few digits where y is nearly 1. The gradient
    ignores the clipping.

    x, y, y_true: (n, outputs) or any shape; losses: (n,).
    """

    type = "sigmoid_binary_crossentropy"
    replaces = (Sigmoid, BinaryCrossentropy)

    def bind(self, site: KernelSite) -> KernelCalls:
        """Fill y and the losses in one call, and dx = (y - y_true) / outputs."""
        x, y, y_true, losses, dx = site.x, site.y, site.y_true, site.losses, site.dx
        forward = partial(self.fill, x, y_true, y, losses)
        if dx is None:
            return KernelCalls((forward,))
        calls = [partial(np.subtract, y, y_true, dx)]
        if outputs_of(y) > 1:
            calls.append(partial(np.divide, dx, outputs_of(y), dx))
        return KernelCalls((forward,), (*calls, site.weigh(dx)))

    def fill(self, x: Array, y_true: Array, y: Array, losses: Array) -> None:
        """Fill the losses first, while y still holds logits."""
        np.clip(x, -LARGEST_LOGIT, LARGEST_LOGIT, out=y)
        elements = room_for_elements(y, losses)
        np.exp(y, out=elements)
        np.log1p(elements, out=elements)
        np.multiply(y, y_true, out=y)
        np.subtract(elements, y, out=elements)
        take_means(elements, losses)
        np.negative(x, out=y)
        np.minimum(y, LARGEST_EXPONENT, out=y)
        np.exp(y, out=y)
        np.add(y, 1, out=y)
        np.reciprocal(y, out=y)


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
        forward = partial(self.activate, x, y, losses), partial(loss.forward, y, y_true, losses)
        if dx is None:
            return KernelCalls(forward)
        return KernelCalls(forward, (partial(np.subtract, y, y_true, dx), site.weigh(dx)))

    def activate(self, x: Array, y: Array, row: Array) -> None:
        """y = softmax(x); row holds maxima and sums."""
        fill_softmax(x, y, row)
