"""StepObserver: sees the arrays of a training step as they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.network.layer import Layer


class StepObserver:
    """An observer of one training step from its batch to its update; override what you need.

    The methods are called in this order: `begin`, `forward` for each layer, `losses` for each loss,
    `backward` for each layer from the last to the first, `gradients`, `updated`. All arrays are
    read-only views of memory that the step reuses: copy whatever is kept. An observed step computes
    the same bits as any other.
    """

    def begin(self, epoch: int, step: int, x: Any) -> None:
        """Called before the forward pass.

        Args:
            epoch: counted from 0.
            step: number of the update, from 1.
            x: the batch, (n, *input shape); several inputs by name.
        """

    def forward(self, name: str, layer: Layer, y: Array) -> None:
        """Called with the output of each layer, (n, *output shape).

        If a kernel computes several layers together, the outputs between them are computed again by
        the layers themselves, which then draw other random numbers than the kernel.
        """

    def losses(self, y_pred: Array, y_true: Any, losses: Array, name: str) -> None:
        """Called for each loss with its output, the prepared targets and the loss of each sample.

        Args:
            y_pred: the output that the loss takes, (n, *output shape).
            y_true: the targets as the loss prepared them.
            losses: the data loss of each sample, (n,).
            name: the loss's name in `[losses]`; `""` for a single one.
        """

    def backward(self, name: str, layer: Layer, dy: Array) -> None:
        """Called with the gradient of a layer's output, (n, *output shape), before its backward.

        It is not called for layers without a backward pass, nor for those whose gradient exists
        only within a kernel.
        """

    def gradients(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Called with all parameters, and the gradients of the trainable ones, by key.

        The gradients include regularizers and come before clipping. Keys are as in
        `Model.parameters`, e.g. `dense_1.weights`.
        """

    def updated(self, before: Mapping[str, Array], after: Mapping[str, Array], rate: float) -> None:
        """Called after the update with the trainable parameters before and after it, by key.

        Args:
            before: the parameters before the update.
            after: the same parameters after it.
            rate: the step's learning rate.
        """
