"""The L1 penalty."""

import numpy as np
from pydantic import Field

from declnet import Array, Regularizer


class L1(Regularizer):
    """penalty = strength * sum |w|; its gradient is -strength where w < 0, else +strength.

    At w = 0, where |w| has a kink, the gradient is +strength, as in Neural Networks from Scratch.
    """

    type = "l1"
    examples = ({"strength": 1e-4},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w: Array) -> float:
        """Strength * sum |w|."""
        return self.strength * float(np.abs(w).sum())

    def add_gradient(self, w: Array, dw: Array) -> None:
        """dw += strength, or -strength where w < 0."""
        strength = dw.dtype.type(self.strength)
        np.add(dw, np.where(w < 0, -strength, strength), out=dw)
