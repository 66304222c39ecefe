"""Fusion: a better joint form of a last layer and a loss."""

from __future__ import annotations

from typing import Any

from declnet.components.arrays import Array
from declnet.components.component import Component
from declnet.errors import RegistryError


class Fusion(Component):
    """Joins a last layer and a loss in training, where their product has a simpler gradient.

    A fusion class has two fields, `layer` and `loss`, typed by the classes that it joins. The graph
    uses it where a model ends with that layer and is trained with that loss.
    """

    kind = "fusion"
    required_methods = ("forward", "backward")

    def forward(self, x: Array, y_true: Array, y: Array, losses: Array) -> None:
        """Fills `y` as the layer does for its input `x`, and `losses` (n,) as the loss does."""
        raise NotImplementedError

    def backward(self, x: Array, y: Array, y_true: Array, dx: Array) -> None:
        """Fills `dx` with d(losses)/d(x), not divided by n."""
        raise NotImplementedError

    @classmethod
    def verify_contract(cls) -> None:
        """Checks the class; raises RegistryError if it lacks the fields `layer` and `loss`."""
        super().verify_contract()
        for name in ("layer", "loss"):
            if name not in cls.model_fields:
                raise RegistryError(f"{cls.__name__} has no field {name}: the class that it joins")

    @classmethod
    def joins(cls, layer: Any, loss: Any) -> bool:
        """Whether this fusion is made for that layer and that loss, by their exact classes."""
        fields = cls.model_fields
        return fields["layer"].annotation is type(layer) and fields["loss"].annotation is type(loss)
