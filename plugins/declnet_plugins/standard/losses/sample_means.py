"""Sums and means over the outputs of each sample."""

from math import prod

import numpy as np

from declnet import Array


def outputs_of(y_pred: Array) -> int:
    """Return the number of outputs per sample."""
    return prod(y_pred.shape[1:])


def room_for_elements(y_pred: Array, losses: Array) -> Array:
    """Return memory for one number per output: `losses` if there is one output, else a new array.

    A loss is given no memory besides `losses`, so several outputs need a temporary array.
    """
    if outputs_of(y_pred) == 1:
        return losses.reshape(y_pred.shape)  # axes of length 1 are always a view
    return np.empty_like(y_pred)


def take_sums(elements: Array, losses: Array) -> None:
    """Fill `losses` with the sum of each sample's elements, from `room_for_elements`."""
    if outputs_of(elements) != 1:  # otherwise the elements are the losses
        np.add.reduce(elements, axis=tuple(range(1, elements.ndim)), out=losses)


def take_means(elements: Array, losses: Array) -> None:
    """Fill `losses` as `take_sums` does, divided by the number of outputs."""
    take_sums(elements, losses)
    np.divide(losses, outputs_of(elements), out=losses)
