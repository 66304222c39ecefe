"""Losses, and their fusions with last layers, one a file."""

from declnet import Register, hookimpl
from declnet_losses.categorical_crossentropy import CategoricalCrossentropy
from declnet_losses.softmax_categorical_crossentropy import SoftmaxCategoricalCrossentropy

__all__ = ["CategoricalCrossentropy", "SoftmaxCategoricalCrossentropy"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(CategoricalCrossentropy)
    register(SoftmaxCategoricalCrossentropy)
