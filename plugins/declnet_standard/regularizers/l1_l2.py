"""The combined L1 and L2 penalty."""

from pydantic import Field

from declnet import Array, Regularizer
from declnet_standard.regularizers.l1 import L1
from declnet_standard.regularizers.l2 import L2


class L1L2(Regularizer):
    """penalty = l1 * sum |w| + l2 * sum w**2."""

    type = "l1_l2"
    examples = ({"l1": 1e-4, "l2": 5e-4},)

    l1: float = Field(default=0.0, ge=0, description="factor of sum |w|")
    l2: float = Field(default=0.0, ge=0, description="factor of sum w**2")

    def penalty(self, w: Array) -> float:
        """l1 * sum |w| + l2 * sum w**2."""
        return L1(strength=self.l1).penalty(w) + L2(strength=self.l2).penalty(w)

    def add_gradient(self, w: Array, dw: Array) -> None:
        """Add both gradients."""
        L1(strength=self.l1).add_gradient(w, dw)
        L2(strength=self.l2).add_gradient(w, dw)
