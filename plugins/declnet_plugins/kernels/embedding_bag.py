"""Weighted sums of embeddings: a slot whose score is 0 takes no time but to read it."""

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, share
from declnet_plugins.kernels import FLOATS, INTEGERS
from declnet_plugins.standard.layers.embedding_bag import EmbeddingBag


@Routine
def sum_bags(part, parts, x, scores, weights, biases, y):  # type: ignore[no-untyped-def]
    """Y = biases + sum of scores * weights[x]; NaN for an integer out of range."""
    zero, nan = weights.dtype.type(0), weights.dtype.type(np.nan)
    units, slots = np.uint64(weights.shape[1]), np.uint64(x.shape[1])
    start, stop = share(x.shape[0], part, parts)
    for i in range(start, stop):
        for j in range(units):
            y[i, j] = biases[j]
        for k in range(slots):
            score = scores[i, k]
            if score != zero:
                integer = np.int64(x[i, k])
                if 0 <= integer < weights.shape[0]:
                    row = np.uint64(integer)
                    for j in range(units):
                        y[i, j] += score * weights[row, j]
                else:
                    for j in range(units):
                        y[i, j] = nan


@Routine
def add_up_bags(part, parts, x, scores, dy, dweights):  # type: ignore[no-untyped-def]
    """dweights[r] = the sum of scores * dy where x names row r, in the order of the samples.

    Divisible by rows: each part reads all of x.
    """
    zero = dweights.dtype.type(0)
    units, slots = np.uint64(dweights.shape[1]), np.uint64(x.shape[1])
    start, stop = share(dweights.shape[0], part, parts)
    for row in range(start, stop):
        for j in range(units):
            dweights[row, j] = zero
    for i in range(np.uint64(x.shape[0])):
        for k in range(slots):
            score = scores[i, k]
            if score != zero:
                integer = np.int64(x[i, k])
                target = np.uint64(integer)
                if integer >= 0 and start <= target < stop:
                    for j in range(units):
                        dweights[target, j] += score * dy[i, j]


@Routine
def add_up_samples(part, parts, dy, dbiases):  # type: ignore[no-untyped-def]
    """Dbiases = the sum of dy. Divisible by units."""
    zero = dbiases.dtype.type(0)
    start, stop = share(dbiases.shape[0], part, parts)
    for j in range(start, stop):
        dbiases[j] = zero
    for i in range(np.uint64(dy.shape[0])):
        for j in range(start, stop):
            dbiases[j] += dy[i, j]


class EmbeddingBagKernel(CompiledKernel):
    """y = sum of scores * weights[x] + biases, and the gradients of the parameters.

    An integer out of range, which the data should not have, gives NaN.
    """

    type = "embedding_bag_jit"
    replaces = (EmbeddingBag,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Add up rows of weights, and their gradients; scores that are trained are left alone."""
        y, dy, (state,), (layer,) = site.y, site.dy, site.states, site.components
        x, scores = site.x
        arrays = [array for array in (scores, y, dy) if array is not None]
        if not all(array.dtype in FLOATS and array.flags.c_contiguous for array in arrays):
            return None
        if x.dtype not in INTEGERS or (site.dx is not None and site.dx[1] is not None):
            return None
        biases = state.biases if layer.use_bias else np.zeros(layer.units, y.dtype)
        forward = sum_bags.bound(x, scores, state.weights, biases, y)
        if dy is None:
            return KernelCalls((forward,))
        backward = [add_up_bags.bound(x, scores, dy, state.grad.weights)]
        if layer.use_bias:
            backward.append(add_up_samples.bound(dy, state.grad.biases))
        return KernelCalls((forward,), tuple(backward))
