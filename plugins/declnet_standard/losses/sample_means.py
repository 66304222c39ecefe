"""From a number for each output to the mean, or the sum, of each sample."""

from math import prod

import numpy as np

from declnet import Array


def outputs_of(y_pred: Array) -> int:
    """The number of outputs of a sample."""
    return prod(y_pred.shape[1:])


def room_for_elements(y_pred: Array, losses: Array) -> Array:
    """Memory for a number an output: `losses` itself for one output a sample, else a new array.

    A loss is handed no memory besides `losses`, so several outputs cost a temporary.
    """
    if outputs_of(y_pred) == 1:
        return losses.reshape(y_pred.shape)  # axes of length 1 are always a view
    return np.empty_like(y_pred)


def take_sums(elements: Array, losses: Array) -> None:
    """Fills `losses` with the sum of each sample's elements, as `room_for_elements` gave them."""
    if outputs_of(elements) != 1:  # else they are the losses
        np.add.reduce(elements, axis=tuple(range(1, elements.ndim)), out=losses)


def take_means(elements: Array, losses: Array) -> None:
    """As `take_sums`, divided by the number of outputs."""
    take_sums(elements, losses)
    np.divide(losses, outputs_of(elements), out=losses)
