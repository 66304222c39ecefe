"""The embedding of integers: rows of weights are copied, and their gradients added up.

In the routines, x is (n, numbers) and y (n, numbers, units). Each number has a vocabulary: the rows
of weights from `first`, of which there are `count`.
"""

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, Routine, share
from declnet_plugins.kernels import FLOATS, INTEGERS
from declnet_plugins.standard.layers.embedding import Embedding


@Routine
def look_up(part, parts, x, counts, firsts, weights, y):  # type: ignore[no-untyped-def]
    """Y = weights[x]; NaN for an integer out of range, so that the run ends."""
    nan = weights.dtype.type(np.nan)
    units, numbers = np.uint64(weights.shape[1]), np.uint64(x.shape[1])
    start, stop = share(x.shape[0], part, parts)
    for i in range(start, stop):
        for k in range(numbers):
            integer = np.int64(x[i, k])
            if 0 <= integer < counts[k]:
                row = np.uint64(firsts[k] + integer)
                for j in range(units):
                    y[i, k, j] = weights[row, j]
            else:
                for j in range(units):
                    y[i, k, j] = nan


@Routine
def add_up(part, parts, x, counts, firsts, dy, dweights):  # type: ignore[no-untyped-def]
    """dweights[r] = the sum of dy where x names row r, in the order of the samples.

    Divisible by rows: each part reads all of x, which is short compared to dy.
    """
    zero = dweights.dtype.type(0)
    units, numbers = np.uint64(dweights.shape[1]), np.uint64(x.shape[1])
    start, stop = share(dweights.shape[0], part, parts)
    for row in range(start, stop):
        for j in range(units):
            dweights[row, j] = zero
    for i in range(np.uint64(x.shape[0])):
        for k in range(numbers):
            integer = np.int64(x[i, k])
            target = np.uint64(firsts[k] + integer)
            if 0 <= integer < counts[k] and start <= target < stop:
                for j in range(units):
                    dweights[target, j] += dy[i, k, j]


class EmbeddingKernel(CompiledKernel):
    """y = weights[x]; dweights[k] = sum of dy where x = k, in the order of the samples.

    An integer out of range, which the data should not have, gives NaN.
    """

    type = "embedding_jit"
    replaces = (Embedding,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Copy rows of weights, and add up their gradients."""
        x, y, dy, (state,), (layer,) = site.x, site.y, site.dy, site.states, site.components
        arrays = [array for array in (y, dy) if array is not None]
        if not all(array.dtype in FLOATS and array.flags.c_contiguous for array in arrays):
            return None
        integers = x.reshape(len(x), -1)
        if x.dtype not in INTEGERS or not np.may_share_memory(integers, x):
            return None
        words = (
            integers,
            *(vocabulary.reshape(-1) for vocabulary in layer.vocabularies(x.shape[1:])),
        )
        shape = (*integers.shape, layer.units)
        forward = look_up.bound(*words, state.weights, y.reshape(shape))
        if dy is None:
            return KernelCalls((forward,))
        backward = add_up.bound(*words, dy.reshape(shape), state.grad.weights)
        return KernelCalls((forward,), (backward,))
