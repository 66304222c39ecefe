"""Loops of C99 over the axes of an array, and the places of items in them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from textwrap import indent

import numpy as np

from declnet import Array, Shape
from declnet_plugins.exchange import Untranslatable
from declnet_plugins.recording import Operand

INDICES = "ijklmnpq"
"""The names of the indices of loops, by axis."""

ROWS = "tmnpq"
"""The same around the loops of a product, which have their own."""


def places_of(operand: Operand) -> Array:
    """Return the place of each number of an operand in the array that holds it."""
    if operand.places is not None:
        return operand.places
    return np.arange(prod(operand.shape)).reshape(operand.shape)


def spread(places: Array, letters: str, order: Sequence[str], shape: Shape) -> Array:
    """Return places, whose axes have letters, broadcast to all letters in an order."""
    moved = places.transpose([letters.index(letter) for letter in order if letter in letters])
    missing = tuple(at for at, letter in enumerate(order) if letter not in letters)
    return np.broadcast_to(np.expand_dims(moved, missing), shape)


def place_at(shape: Shape) -> str:
    """Return the expression of the place of an item of an array of a shape."""
    return regular_index(np.arange(prod(shape)).reshape(shape), shape) or "0"


def regular_index(places: Array, shape: Shape, names: str = INDICES) -> str | None:
    """Return places as a sum of multiples of the indices; None if they are none."""
    if not places.size:
        return "0"
    first, strides, regular = int(places.flat[0]), [], np.zeros((), int)
    for axis, size in enumerate(shape):
        second = tuple(int(other == axis and size > 1) for other in range(len(shape)))
        strides.append(int(places[second]) - first)
        regular = regular[..., None] + np.arange(size) * strides[-1]
    if not np.array_equal(regular + first, places):
        return None
    terms = [
        name if stride == 1 else f"{name} * {stride}"
        for name, stride in zip(names, strides, strict=False)
        if stride
    ]
    return " + ".join([*terms, *([str(first)] if first or not terms else [])])


def loops(shape: Shape, text: str, axes: Sequence[int] | None = None, names: str = INDICES) -> str:
    """Return loops over a shape, or some of its axes, around statements."""
    if len(shape) > len(names):
        raise Untranslatable(f"it computes with {len(shape)} axes; C gets {len(names)} indices")
    for axis in reversed(range(len(shape)) if axes is None else axes):
        if shape[axis] != 1:
            name = names[axis]
            loop = f"for (int {name} = 0; {name} < {shape[axis]}; {name}++)"
            text = f"{loop} {{\n{indent(text, '    ')}\n}}"
    return text
