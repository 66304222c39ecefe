"""The settings in which the kit uses a component, and the results of one use.

`SIZES` and `VALUES` are the grid on which components of every kind are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from math import nan
from typing import Any, Literal

import numpy as np

from declnet import Array
from declnet.testing.catalogue import checks_module
from declnet.testing.checking import Subject

Order = Literal["batch_last", "batch_first"]
"""A memory order: the batch axis last, and contiguous, or first, as in C."""

SAMPLES = 10
"""Number of samples drawn; larger batches repeat them."""

CHANGED = 2
"""The sample that may be replaced, to see whether others are affected."""

POISONS = {"NaN": nan, "number": -12345.0, "zeros": 0.0}
"""What output arrays hold before they are filled; by name, since NaN does not equal itself."""


SIZES = (1, 2, 3, 4, 10, 65, 200)
"""Numbers of samples in a batch, or of rows in a column."""

MAGNITUDES = (5.0, 30.0, 1e3, 1e4)


def _of_magnitude(size: float) -> Callable[[Array], Array]:
    return lambda x: np.copysign(size, x)


VALUES: dict[str, Callable[[Array], Array]] = {
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "integers": lambda x: np.rint(3 * x),
    "tiny numbers": lambda x: 1e-30 * x,
    "small numbers": lambda x: 1e-3 * x,
    "normal numbers": lambda x: x,
    **{f"numbers of ±{size:g}": _of_magnitude(size) for size in MAGNITUDES},
}
"""What an input may hold, made of normal numbers."""

SCALES = np.geomspace(0.01, 100, 24)
"""Sizes of numbers at which gradients are compared, so that each branch is reached."""


def on_grid(x: Array) -> Array:
    """Return samples, the first of which hold the `VALUES` in turn."""
    y, makers = x.copy(), list(VALUES.values())
    for row in range(len(x)):
        y[row] = makers[row % len(makers)](x[row])
    return y


@dataclass(frozen=True)
class Setting:
    """The circumstances of one use; each kind of component uses some of the attributes.

    Attributes:
        samples: number of samples in the batch.
        after: number of samples in a preceding batch, in the same arrays; 0 for none.
        dtype: the model's float type.
        input_order: memory order of the input.
        order: memory order of all other arrays with a batch axis.
        poison: which of the `POISONS` output arrays hold before they are filled.
        seed: the seed of the component's own random stream.
        changed: whether one sample is replaced by another.
        distinct: how many samples differ; they are repeated.
        values: which of the grid's values inputs hold, or `"grid"` for one in each sample.
        use: a number, so that a component can be used again in the same circumstances.
        beside: whether the component is used elsewhere at the same time.
        restored: after how much of its work the component is saved and restored; 0 for never.
        cuts: where its work is cut into parts.
        step: the number of each step of the training, for schedules; 0 for 1, 2, 3, ….
        as_declared: whether the graph uses the traits that a layer declares: copies x into its
            memory order, and works in place. Otherwise it keeps all arrays apart.
        spares: whether backward gets only what `backward_needs` names.
        without_dx: the input whose gradient is not needed; -1 for all; None for none.
    """

    samples: int = 6
    after: int = 0
    dtype: str = "float64"
    input_order: Order = "batch_last"
    order: Order = "batch_last"
    poison: str = "NaN"
    seed: int = 0
    changed: bool = False
    distinct: int = SAMPLES
    values: str = ""
    use: int = 0
    beside: bool = False
    restored: int = 0
    cuts: tuple[int, ...] = ()
    step: int = 0
    as_declared: bool = False
    spares: bool = False
    without_dx: int | None = None

    @property
    def capacity(self) -> int:
        """The number of samples that the graph has room for."""
        return max(self.samples, self.after)

    @property
    def spoiled(self) -> float:
        """What output arrays hold before they are filled."""
        return POISONS[self.poison]

    def but(self, **changes: Any) -> Setting:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)

    def __str__(self) -> str:
        values = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return ", ".join(
            f"{name} {value}" for name, value, usual in values if value not in (usual,)
        )


USUAL = Setting()
WHOLE = Setting(samples=SAMPLES)
PLAIN = WHOLE.but(order="batch_first", input_order="batch_first", poison="zeros")
"""The setting that no component should have trouble with."""

BOTH_ORDERS: tuple[Order, Order] = ("batch_last", "batch_first")
ORDERS = (
    USUAL,
    USUAL.but(input_order="batch_first", order="batch_first"),
    USUAL.but(input_order="batch_first"),
)
"""The memory orders that a graph may use."""


@dataclass(frozen=True)
class Batch:
    """The inputs of a component.

    Attributes:
        x: an array for each input.
        y: targets, or the gradient dy.
        is_bounded: whether the component takes some numbers only, such as positive ones.
    """

    x: tuple[Array, ...]
    y: Array
    is_bounded: bool = False

    def take(self, positions: Any) -> Batch:
        """Return the samples at some positions."""
        x = tuple(array[positions] for array in self.x)
        return replace(self, x=x, y=self.y[positions])

    def repeated(self, n: int) -> Batch:
        """Return n samples, repeating these."""
        return self.take(np.arange(n) % len(self.y))

    def with_x(self, *x: Array) -> Batch:
        """Return the same with another input."""
        return replace(self, x=x)

    def with_values(self, values: str) -> Batch:
        """Return the same with some of the grid's values in place of numbers without bounds."""
        if self.is_bounded:
            return self
        change = on_grid if values == "grid" else VALUES[values]
        return self.with_x(*(change(x) if x.dtype.kind == "f" else x for x in self.x))


def batch_for(draw: Callable[[int], Batch], setting: Setting) -> Batch:
    """Return the samples of a setting; `draw` returns the first ones for a seed."""
    batch, other = draw(0), draw(1)
    if setting.changed:
        for array, foreign in zip((*batch.x, batch.y), (*other.x, other.y), strict=True):
            array[CHANGED] = foreign[CHANGED]
    if setting.values:
        batch = batch.with_values(setting.values)
    return batch.take(np.arange(setting.samples) % setting.distinct)


@dataclass
class Trial:
    """The results of using a component.

    Attributes:
        outputs: copies of what it filled or returned, by their names in messages, e.g. `"y"`.
        drawn: names of outputs that depend on random draws, which another memory order, float type
            or number of samples may change.
        sums: names of outputs that are sums over the samples; other batch outputs have rows.
    """

    outputs: dict[str, Array] = field(default_factory=dict)
    drawn: set[str] = field(default_factory=set)
    sums: set[str] = field(default_factory=set)


def tried(subject: Subject, setting: Setting = USUAL) -> Trial:
    """Use the component as its kind requires, once for each setting."""

    def use() -> Trial:
        trial: Trial = checks_module(subject.instance).try_component(subject, setting)
        return trial

    return subject.once(("trial", setting), use)


def poison(array: Array, value: float) -> None:
    """Fill an array with values that must not be read, including for integers and booleans."""
    if array.dtype.kind == "f":
        array.fill(value)
    elif array.dtype.kind in "iu":
        array.fill(np.iinfo(array.dtype).max)
    elif array.dtype.kind == "b":
        array.fill(value != value)  # noqa: PLR0124  # true for NaN


def in_order(samples: Array, order: Order, dtype: Any = None) -> Array:
    """Return a copy of samples (n, …) in a memory order."""
    target = samples.astype(dtype or samples.dtype, order="C", casting="same_kind")
    if order == "batch_first":
        return target
    return np.moveaxis(np.moveaxis(target, 0, -1).copy(order="C"), -1, 0)


def read_only(array: Array) -> Array:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def copied(array: Array) -> Array:
    """Return a copy in C order, for later comparison."""
    return np.array(array, order="C")
