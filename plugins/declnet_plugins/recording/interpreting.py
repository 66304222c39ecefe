"""What a program computes for a batch, by NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from declnet import Array
from declnet_plugins.recording.sample_program import Operand, Operation, SampleProgram


def interpreted(program: SampleProgram, inputs: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Return the results of a program for inputs (n, …), and which rows it refuses."""
    n, values = len(inputs[0]), [*inputs]

    def read(operand: Operand) -> Array:
        if operand.value is None:
            return np.broadcast_to(np.asarray(operand.constant), (n, *operand.shape))
        flat = values[operand.value].reshape(n, -1)
        flat = flat if operand.places is None else flat[:, operand.places.ravel()]
        return flat.reshape(n, *operand.shape)

    with np.errstate(all="ignore"):
        for operation in program.operations:
            result = _computed(operation, [read(operand) for operand in operation.operands])
            values.append(np.broadcast_to(result, (n, *operation.shape)).astype(operation.dtype))
    return [*map(read, program.results)], [*map(read, program.refused)]


def _computed(operation: Operation, x: Sequence[Array]) -> Any:
    """Return the result of an operation, given arrays (n, …)."""
    axes, kind = tuple(axis + 1 for axis in operation.axes), operation.kind
    function: Any = getattr(np, operation.name, None)
    result: Any
    if operation.name == "cast":
        result = x[0]
    elif kind == "map":
        most = len(operation.shape) + 1
        result = function(*(a.reshape(len(a), *(1,) * (most - a.ndim), *a.shape[1:]) for a in x))
    elif operation.name in ("argmax", "argmin"):
        moved = np.moveaxis(x[0], axes, range(-len(axes), 0))
        result = function(moved.reshape(*moved.shape[: -len(axes)], -1), axis=-1)
    elif kind == "reduce":
        result = function.reduce(x[0], axis=axes)
    elif kind == "accumulate":
        result = function.accumulate(x[0], axis=axes[0])
    elif kind == "contract":
        inputs, letters = operation.equation.split("->")
        batch = next(letter for letter in ascii_letters if letter not in operation.equation)
        named = ",".join(batch + names for names in inputs.split(","))
        result = np.einsum(f"{named}->{batch}{letters}", *x)
    elif kind == "take":
        result = x[0][0][x[1]]
    elif kind == "search":
        side: Any = operation.name
        result = np.searchsorted(x[0][0], x[1], side)
    else:
        result = np.concatenate([part.reshape(len(part), -1) for part in x], axis=1)
    return result
