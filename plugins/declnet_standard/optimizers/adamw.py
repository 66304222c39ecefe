"""AdamW: Adam with decoupled weight decay."""

import numpy as np
from pydantic import Field

from declnet import Array, OptimizerState
from declnet_standard.optimizers.adam import Adam


class AdamW(Adam):
    """w *= 1 - learning_rate * weight_decay;  then Adam's step.

    The decay does not pass through the moments, as l2's gradient would. It applies to all
    trainable parameters, biases included; as in PyTorch without parameter groups, which has
    epsilon 1e-8.
    Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """

    type = "adamw"
    examples = ({}, {"learning_rate": 0.02, "weight_decay": 1e-3})

    weight_decay: float = Field(
        default=0.01, ge=0, description="share of w that goes in a step, times the learning rate"
    )

    def update(
        self, w: Array, dw: Array, state: OptimizerState, learning_rate: float, step: int
    ) -> None:
        """Take one step."""
        np.multiply(w, 1 - learning_rate * self.weight_decay, out=w)
        super().update(w, dw, state, learning_rate, step)
