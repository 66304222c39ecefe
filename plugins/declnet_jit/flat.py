"""Kernels of flat parameters: Adam, and the gradient of the L2 penalty."""

from math import sqrt

import numpy as np

from declnet import KernelCalls, KernelSite
from declnet_jit.numba_kernel import FLOATS, NumbaKernel
from declnet_jit.routine import Routine
from declnet_standard.optimizers import Adam
from declnet_standard.regularizers import L2


@Routine
def adam(w, dw, momentum, cache, beta_1, beta_2, epsilon, rate, step):  # type: ignore[no-untyped-def]
    """Update both moments, then w -= rate * momentum / (sqrt(cache) + epsilon).

    The moments are sums without the factors 1 - beta_1 and 1 - beta_2; these and the corrections of
    the bias are applied to `rate` and `epsilon`, two numbers per step.
    """
    kind, number = w.dtype.type, float(step[0])
    scale_m = (1 - beta_1) / (1 - beta_1**number)
    scale_v = sqrt((1 - beta_2) / (1 - beta_2**number))
    keep_1, keep_2 = kind(beta_1), kind(beta_2)
    small, factor = kind(epsilon / scale_v), kind(rate[0] * scale_m / scale_v)
    for i in range(np.uint64(w.size)):
        slope = dw[i]
        first = momentum[i] * keep_1 + slope
        second = cache[i] * keep_2 + slope * slope
        momentum[i] = first
        cache[i] = second
        w[i] -= factor * first / (np.sqrt(second) + small)


@Routine
def add_multiple(w, factor, dw):  # type: ignore[no-untyped-def]
    """Dw += factor * w."""
    scale = w.dtype.type(factor)
    for i in range(np.uint64(w.size)):
        dw[i] += scale * w[i]


class AdamKernel(NumbaKernel):
    """w -= learning_rate * m / (sqrt(v) + epsilon), with both moments bias-corrected, as in `Adam`.

    Products and sums are fused and rounded once, a relative difference of about 1e-7 per step in
    float32.
    """

    type = "adam_jit"
    replaces = (Adam,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the update; (1 - beta) and the corrections are applied to two numbers per step."""
        w, state, (optimizer,) = site.w, site.state, site.components
        if state is None or w.dtype not in FLOATS:
            return None
        arrays = w, site.dw, state.momentum, state.cache
        numbers = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
        return KernelCalls(update=(adam.bound(*arrays, *numbers, site.rate, site.step),))


class L2Kernel(NumbaKernel):
    """dw += 2 * strength * w, with product and sum fused and rounded once."""

    type = "l2_jit"
    replaces = (L2,)

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the update of the gradient, with both arrays viewed as one axis."""
        w, dw, (l2,) = site.w, site.dw, site.components
        if w.dtype not in FLOATS or not (w.flags.c_contiguous and dw.flags.c_contiguous):
            return None
        call = add_multiple.bound(w.reshape(-1), 2 * l2.strength, dw.reshape(-1))
        return KernelCalls(backward=(call,))
