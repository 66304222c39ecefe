"""The circumstances in which the kit uses a component, and what comes of one use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any

import numpy as np

from declnet.components.arrays import Array
from declnet.graph.orders import Order
from declnet.testing.check import Subject

SAMPLES = 10
"""Samples that are drawn; larger batches have them again and again."""

CHANGED = 2
"""The sample that may be replaced, to see whether others notice."""

ORDERS: tuple[tuple[Order, Order], ...] = (
    ("batch_last", "batch_last"),
    ("batch_first", "batch_first"),
    ("batch_first", "batch_last"),
)
"""The memory orders of a component's input, and of everything else that has a batch axis."""

POISONS = (nan, -12345.0)
"""What output arrays hold before they are filled: a result must depend on neither."""


@dataclass(frozen=True)
class Setting:
    """One set of circumstances.

    Attributes:
        samples: in the batch.
        before: samples of a batch that goes first, in the same arrays; 0 for none.
        dtype: the model's float type.
        input_order: of the input.
        order: of all other arrays with a batch axis.
        poison: what output arrays hold before they are filled.
        seed: of the component's own random stream.
        draw: which data is drawn.
        changed: whether one sample is another one.
        as_declared: whether the graph treats a layer by the traits that it declares: copies x into
            its memory order, works in place, hands backward what it needs. Otherwise it gives the
            layer every array apart, in the orders above.
    """

    samples: int = 6
    before: int = 0
    dtype: str = "float64"
    input_order: Order = "batch_last"
    order: Order = "batch_last"
    poison: float = nan
    seed: int = 0
    draw: int = 0
    changed: bool = False
    as_declared: bool = False

    @property
    def capacity(self) -> int:
        """Samples that the graph has room for."""
        return max(self.samples, self.before)

    def but(self, **changes: Any) -> Setting:
        """Return the same, but for some attributes."""
        return replace(self, **changes)

    def __str__(self) -> str:
        own = ", as it declares" if self.as_declared else ""
        if self.input_order != self.order:
            return f"x in C order, the rest with the batch axis contiguous{own}"
        return f"{'C order' if self.order == 'batch_first' else 'batch axis contiguous'}{own}"


USUAL = Setting()
WHOLE = Setting(samples=SAMPLES)


@dataclass(frozen=True)
class Batch:
    """What goes into a component: `x`, an array for each input; `y`, targets or the gradient dy."""

    x: tuple[Array, ...]
    y: Array

    def take(self, positions: Any) -> Batch:
        """Return the samples at some positions."""
        return Batch(tuple(array[positions] for array in self.x), self.y[positions])

    def repeated(self, n: int) -> Batch:
        """Return n samples: these, again and again."""
        return self.take(np.arange(n) % len(self.y))

    def with_x(self, *x: Array) -> Batch:
        """Return the same with another input."""
        return Batch(x, self.y)


def batch_for(draw: Callable[[int], Batch], setting: Setting) -> Batch:
    """Return the samples of a setting, of which `draw` gives the first for a seed."""
    batch = draw(setting.draw)
    if setting.changed:
        other = draw(setting.draw + 1)
        for own, foreign in zip((*batch.x, batch.y), (*other.x, other.y), strict=True):
            own[CHANGED] = foreign[CHANGED]
    return batch.repeated(setting.samples)


@dataclass
class Trial:
    """What a component gave.

    Attributes:
        outputs: copies of what it filled or returned, by a name for messages, e.g. `"y"`.
        drawn: names of outputs that depend on random draws, which another memory order or float
            type may change.
        sums: names of outputs that are sums over the samples; the others of a batch have rows.
    """

    outputs: dict[str, Array] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    sums: set[str] = field(default_factory=set)


Try = Callable[[Subject, Setting], Trial]
"""Uses a component once in each of the ways that its contract knows."""


def poison(array: Array, value: float) -> None:
    """Fill an array with what no computation should read; integers and booleans with odd ones."""
    if array.dtype.kind == "f":
        array.fill(value)
    elif array.dtype.kind in "iu":
        array.fill(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "b":
        array.fill(value != value)  # noqa: PLR0124  # true for NaN


def copied(array: Array) -> Array:
    """Return a copy in C order, for later comparison."""
    return np.array(array, order="C")
