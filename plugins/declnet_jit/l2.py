"""The gradient of the L2 penalty without a temporary array."""

from declnet import KernelCalls, KernelSite
from declnet_jit.arrays import FLOATS
from declnet_jit.flat_routines import add_multiple
from declnet_jit.needs_numba import NumbaKernel
from declnet_standard.regularizers import L2


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
