"""A regularizer."""

import numpy as np
from pydantic import Field

from declnet import Array, Regularizer


class SoftAbsolute(Regularizer):
    """penalty = strength * sum (sqrt(w**2 + 1) - 1)."""

    type = "soft_absolute"
    examples = ({"strength": 1e-3},)

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w: Array) -> float:
        """strength * sum (sqrt(w**2 + 1) - 1)."""
        return self.strength * float(np.sum(np.sqrt(w * w + 1) - 1))

    def add_gradient(self, w: Array, dw: Array) -> None:
        """dw += strength * w / sqrt(w**2 + 1)."""
        dw += self.strength * w / np.sqrt(w * w + 1)
