"""Limits of the integers in a data set, which the layers that read them set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array, MappedArray
from declnet.contracts.network.inputs import Inputs, IntegerLimit
from declnet.errors import DataError, SampleName

Limits = Mapping[str, tuple[IntegerLimit, str]]
"""For inputs of a model by name, the limit and the name of the layer that sets it."""


def require_within(x: Inputs, limits: Limits, name_sample: Callable[[int], SampleName]) -> None:
    """Raise DataError if a number is negative, larger than its limit, or not whole.

    Args:
        x: the prepared samples of each input.
        name_sample: returns what messages call the sample at a position.
    """
    for name, (limit, reader) in limits.items():
        at, value = _first_wrong(x[name], limit.largest) if name in x else (-1, 0)
        if at < 0:
            continue
        sample, number = name_sample(at)
        fault, hint = f'"{reader}" takes integers', "store integers"
        if value % 1 == 0:
            fault = f'{limit.reason}, so "{reader}" takes 0 to {limit.largest}'
            hint = "correct it in the data"
        message = f'{sample}, "{name or "x"}" is {value}, but {fault}'
        raise DataError(message, hint=hint, code="E049", row=number)


def _first_wrong(array: Array | MappedArray, largest: int) -> tuple[int, Any]:
    """Return the position and the number of the first sample out of range; -1 if there is none."""
    start = 0
    for part in array.parts() if isinstance(array, MappedArray) else (array,):
        wrong = (part < 0) | (part > largest)
        if part.dtype.kind == "f":
            wrong |= part % 1 != 0
        if wrong.any():
            row, *index = np.unravel_index(int(wrong.argmax()), part.shape)
            return start + int(row), part[(row, *index)].item()
        start += len(part)
    return -1, 0
