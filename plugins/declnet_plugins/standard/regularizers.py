"""Regularizers: penalties on parameters, and their gradients."""

import numpy as np
from pydantic import Field

from declnet import Array, Register, Regularizer, hookimpl

OTHER_STRENGTHS = ("lambda", "lam", "alpha", "weight", "factor")
"""What other libraries call the strength."""


class L1(Regularizer):
    """penalty = strength * sum |w|; its gradient is -strength where w < 0, else +strength.

    w: any shape. At w = 0, where |w| has a kink, the gradient is +strength, as in Neural Networks
    from Scratch (chapter 14).
    """

    type = "l1"
    examples = ({"strength": 1e-4},)
    other_types = ("lasso",)
    other_keys = dict.fromkeys(("l1", *OTHER_STRENGTHS), "strength")

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w: Array) -> float:
        """Strength * sum |w|."""
        return self.strength * float(np.abs(w).sum())

    def add_gradient(self, w: Array, dw: Array) -> None:
        """dw += strength, or -strength where w < 0."""
        strength = dw.dtype.type(self.strength)
        np.add(dw, np.where(w < 0, -strength, strength), out=dw)


class L2(Regularizer):
    """penalty = strength * sum w**2; its gradient is 2 * strength * w.

    w: any shape. The same as the book's (chapter 14) and Keras's L2; PyTorch's weight_decay is
    2 * strength.
    """

    type = "l2"
    examples = ({"strength": 5e-4},)
    other_types = ("ridge",)
    other_keys = dict.fromkeys(("l2", *OTHER_STRENGTHS), "strength")

    strength: float = Field(ge=0, description="factor of the penalty")

    def penalty(self, w: Array) -> float:
        """Strength * sum w**2."""
        return self.strength * float(np.vdot(w, w))

    def add_gradient(self, w: Array, dw: Array) -> None:
        """dw += 2 * strength * w."""
        np.add(dw, (2 * self.strength) * w, out=dw)


class L1L2(Regularizer):
    """penalty = l1 * sum |w| + l2 * sum w**2; its gradient is the sum of both.

    w: any shape. A strength of 0 leaves its part out.
    """

    type = "l1_l2"
    examples = ({"l1": 1e-4, "l2": 5e-4},)
    other_types = ("elastic_net",)

    l1: float = Field(default=0.0, ge=0, description="factor of sum |w|")
    l2: float = Field(default=0.0, ge=0, description="factor of sum w**2")

    def penalty(self, w: Array) -> float:
        """l1 * sum |w| + l2 * sum w**2."""
        return L1(strength=self.l1).penalty(w) + L2(strength=self.l2).penalty(w)

    def add_gradient(self, w: Array, dw: Array) -> None:
        """Add both gradients."""
        L1(strength=self.l1).add_gradient(w, dw)
        L2(strength=self.l2).add_gradient(w, dw)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the regularizers."""
    for regularizer in (L1, L2, L1L2):
        register.lazily("regularizer", regularizer.type, __name__)
