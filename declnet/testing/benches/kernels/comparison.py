"""What a kernel and its components filled, and the settings in which they do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from declnet.components.arrays import Array
from declnet.testing.settings import ORDERS, Setting
from declnet.testing.subjects import Subject

SAMPLES = (1, 6, 700)
"""Sizes of batches; the largest is more than a kernel takes at a time."""


@dataclass
class Comparison:
    """What a kernel and its components filled in one setting.

    Attributes:
        label: the setting, in words.
        dtype: of the arrays.
        apart: arrays by name, from the components.
        joint: the same from the kernel.
        again: the same from the kernel, bound a second time.
        changed: names of arrays that the kernel wrote to and may not.
    """

    label: str
    dtype: str
    apart: dict[str, Array]
    joint: dict[str, Array]
    again: dict[str, Array]
    changed: list[str] = field(default_factory=list)


def settings() -> Iterator[Setting]:
    """Both float types, several sizes of batches, every memory order."""
    for dtype, samples, orders in product(("float32", "float64"), SAMPLES, ORDERS):
        yield Setting(samples, samples, 0, dtype, *orders)


def components(subject: Subject) -> list[Any]:
    """What a kernel stands for, in order."""
    kernel = subject.instance
    return [getattr(kernel, name) for name in type(kernel).model_fields]
