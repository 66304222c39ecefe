"""Regularizers: gradients of penalties, added with the same bits as by the components."""

from typing import Any

from declnet import KernelCalls, KernelSite
from declnet_plugins.jit import CompiledKernel, rounded_as_written, share
from declnet_plugins.kernels.memory_orders import FLOATS
from declnet_plugins.standard.regularizers import L1, L1L2, L2


@rounded_as_written
def add_l1(part, parts, w, strength, dw):  # type: ignore[no-untyped-def]
    """Dw += strength, or -strength where w < 0."""
    size, zero = w.dtype.type(strength), w.dtype.type(0)
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        dw[i] += -size if w[i] < zero else size


@rounded_as_written
def add_l2(part, parts, w, factor, dw):  # type: ignore[no-untyped-def]
    """Dw += factor * w."""
    scale = w.dtype.type(factor)
    start, stop = share(w.size, part, parts)
    for i in range(start, stop):
        dw[i] += scale * w[i]


class RegularizerKernel(CompiledKernel):
    """A penalty whose gradient at a parameter depends on that parameter alone."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the addition to the gradient, with both arrays viewed as one axis."""
        w, dw, (regularizer,) = site.w, site.dw, site.components
        if w.dtype not in FLOATS or not (w.flags.c_contiguous and dw.flags.c_contiguous):
            return None
        w, dw = w.reshape(-1), dw.reshape(-1)
        l1, l2 = self._strengths(regularizer)
        calls = () if l1 is None else (add_l1.bound(w, l1, dw),)
        if l2 is not None:
            calls = (*calls, add_l2.bound(w, 2 * l2, dw))
        return KernelCalls(backward=calls)

    def _strengths(self, regularizer: Any) -> tuple[float | None, float | None]:
        """Return the factors of the sums of |w| and of w**2 in the penalty, None for no sum."""
        raise NotImplementedError


class L1Kernel(RegularizerKernel):
    """dw += strength, or -strength where w < 0; as `L1`."""

    type = "l1_jit"
    replaces = (L1,)

    def _strengths(self, regularizer: Any) -> tuple[float, None]:
        return regularizer.strength, None


class L2Kernel(RegularizerKernel):
    """dw += 2 * strength * w; as `L2`."""

    type = "l2_jit"
    replaces = (L2,)

    def _strengths(self, regularizer: Any) -> tuple[None, float]:
        return None, regularizer.strength


class L1L2Kernel(RegularizerKernel):
    """Both gradients in sequence, as in `L1L2`."""

    type = "l1_l2_jit"
    replaces = (L1L2,)

    def _strengths(self, regularizer: Any) -> tuple[float, float]:
        return regularizer.l1, regularizer.l2
