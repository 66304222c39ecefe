"""Regularizer: a penalty on a parameter, added to the loss."""

from __future__ import annotations

from declnet.components.arrays import Array
from declnet.components.component import Component


class Regularizer(Component):
    """A penalty and its gradient."""

    kind = "regularizer"
    required_methods = ("penalty", "add_gradient")

    def penalty(self, w: Array) -> float:
        """The penalty of a parameter, added to the mean data loss."""
        raise NotImplementedError

    def add_gradient(self, w: Array, dw: Array) -> None:
        """Adds the penalty's gradient to `dw`, in place."""
        raise NotImplementedError
