"""The circumstances under which the kit tries a component."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan, prod
from typing import Any, Literal

import numpy as np

from declnet.components.arrays import Array, Dtype, Shape
from declnet.graph.blocks import batch_view

Order = Literal["batch_first", "batch_last"]
"""Whether a sample's numbers are contiguous (C order), or each number's samples are."""

ORDERS: tuple[tuple[Order, Order], ...] = (
    ("batch_last", "batch_last"),
    ("batch_first", "batch_first"),
    ("batch_first", "batch_last"),
)
"""The orders of a component's first input and of everything else that a graph may use."""

POISONS = (nan, -12345.0)
"""What output arrays hold before they are filled: a result must depend on neither."""


@dataclass(frozen=True)
class Setting:
    """One set of circumstances.

    Attributes:
        samples: in the batch.
        capacity: samples that the arrays have room for.
        before: samples of a batch that goes first, in the same arrays; 0 for none.
        dtype: the model's float type.
        input_order: of the first input.
        order: of all other arrays with a batch axis.
        poison: what output arrays hold before they are filled.
        seed: of the component's own random stream; the data is always the same.
    """

    samples: int = 6
    capacity: int = 6
    before: int = 0
    dtype: str = "float64"
    input_order: Order = "batch_last"
    order: Order = "batch_last"
    poison: float = nan
    seed: int = 0

    def but(self, **changes: Any) -> Setting:
        """The same, but for some attributes."""
        return replace(self, **changes)


USUAL = Setting()


class Block:
    """Memory for batches of one sample shape, poisoned.

    Args:
        shape: of one sample.
        setting: its capacity, type and poison.
        order: its memory order; default: the setting's.
        dtype: default: the setting's.
    """

    def __init__(
        self,
        shape: Shape,
        setting: Setting,
        order: Order | None = None,
        dtype: Dtype | None = None,
    ) -> None:
        self.shape = tuple(shape)
        self.order = order or setting.order
        self.poison = setting.poison
        self.flat = np.empty(setting.capacity * prod(self.shape), dtype or setting.dtype)
        poison(self.flat, setting.poison)

    def view(self, n: int) -> Array:
        """The start of the block as n samples, as the graph makes it for a batch of n."""
        if self.order == "batch_last":
            return batch_view(self.flat, self.shape, n)
        return self.flat[: n * prod(self.shape)].reshape(n, *self.shape)

    def holding(self, values: Array) -> Array:
        """A view of as many samples as there are values, filled with them."""
        view = self.view(len(values))
        view[...] = values
        return view

    def poisoned(self, n: int) -> Array:
        """A view of n samples, the whole block poisoned first."""
        poison(self.flat, self.poison)
        return self.view(n)


def poison(array: Array, value: float) -> None:
    """Fills an array with what no computation should read; integers and booleans with odd ones."""
    if array.dtype.kind == "f":
        array.fill(value)
    elif array.dtype.kind in "iu":
        array.fill(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "b":
        array.fill(value != value)  # noqa: PLR0124  # true for NaN


def copied(array: Array) -> Array:
    """A copy in C order, for later comparison."""
    return np.array(array, order="C")
