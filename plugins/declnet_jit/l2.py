"""The gradient of the L2 penalty without a temporary array."""

from collections.abc import Callable

from declnet import Array, RegularizerKernel
from declnet_jit.arrays import FLOATS
from declnet_jit.flat_routines import add_multiple
from declnet_jit.needs_numba import NeedsNumba
from declnet_regularizers import L2


class L2Kernel(NeedsNumba, RegularizerKernel):
    """dw += 2 * strength * w, product and sum rounded once."""

    type = "l2_jit"

    regularizer: L2

    def bind(self, w: Array, dw: Array) -> tuple[Callable[[], object], ...] | None:
        """The parameter and its gradient, seen as one axis each."""
        if w.dtype not in FLOATS or not (w.flags.c_contiguous and dw.flags.c_contiguous):
            return None
        return (add_multiple.bound(w.reshape(-1), 2 * self.regularizer.strength, dw.reshape(-1)),)
