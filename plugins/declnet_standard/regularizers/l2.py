"""The L2 penalty."""

import numpy as np
from pydantic import Field

from declnet import Array, Regularizer


class L2(Regularizer):
    """penalty = strength * sum w**2; its gradient is 2 * strength * w."""

    type = "l2"
    examples = ({"strength": 5e-4},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w: Array) -> float:
        """Strength * sum w**2."""
        return self.strength * float(np.vdot(w, w))

    def add_gradient(self, w: Array, dw: Array) -> None:
        """dw += 2 * strength * w."""
        np.add(dw, (2 * self.strength) * w, out=dw)
