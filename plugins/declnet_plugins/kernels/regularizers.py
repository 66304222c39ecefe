"""Regularizers: gradients of penalties, added with the same bits as by the components."""

from typing import ClassVar

from declnet import KernelCalls, KernelSite, NativeCall
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

    l1: ClassVar[str | None] = None
    """The regularizer's field that is the factor of the sum of |w|, if there is one."""
    l2: ClassVar[str | None] = None
    """The field that is the factor of the sum of w**2, if there is one."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the addition to the gradient, with both arrays viewed as one axis."""
        w, dw, (regularizer,) = site.w, site.dw, site.components
        if w.dtype not in FLOATS or not (w.flags.c_contiguous and dw.flags.c_contiguous):
            return None
        w, dw = w.reshape(-1), dw.reshape(-1)
        calls: list[NativeCall] = []
        if self.l1 is not None:
            calls.append(add_l1.bound(w, getattr(regularizer, self.l1), dw))
        if self.l2 is not None:
            calls.append(add_l2.bound(w, 2 * getattr(regularizer, self.l2), dw))
        return KernelCalls(backward=tuple(calls))


class L1Kernel(RegularizerKernel):
    """dw += strength, or -strength where w < 0."""

    type = "l1_jit"
    replaces = (L1,)
    l1 = "strength"


class L2Kernel(RegularizerKernel):
    """dw += 2 * strength * w."""

    type = "l2_jit"
    replaces = (L2,)
    l2 = "strength"


class L1L2Kernel(RegularizerKernel):
    """Both gradients in sequence, as in `L1L2`."""

    type = "l1_l2_jit"
    replaces = (L1L2,)
    l1, l2 = "l1", "l2"
