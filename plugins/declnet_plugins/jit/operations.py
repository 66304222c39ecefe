"""The core's operations between a step's components, as compiled calls."""

from functools import singledispatch
from math import sqrt

import numpy as np

from declnet import (
    Array,
    ClipNorm,
    FlushDenormals,
    Gather,
    NativeCall,
    NormalizeWeights,
    Record,
)
from declnet_plugins.jit.routines.routine import Routine, share


@Routine
def gather_rows(part, parts, source, order, start, target):  # type: ignore[no-untyped-def]
    """target[i] = source[order[start + i]], with the sample axis first."""
    size, first = np.uint64(target.shape[1]), start[0]
    top, bottom = share(target.shape[0], part, parts)
    for i in range(top, bottom):
        row = np.uint64(order[np.uint64(first) + i])
        for j in range(size):
            target[i, j] = source[row, j]


@Routine
def gather_columns(part, parts, source, order, start, target):  # type: ignore[no-untyped-def]
    """target[:, i] = source[:, order[start + i]], with the sample axis last."""
    size, first = np.uint64(target.shape[0]), start[0]
    left, right = share(target.shape[1], part, parts)
    for j in range(size):
        for i in range(left, right):
            target[j, i] = source[j, np.uint64(order[np.uint64(first) + i])]


@Routine
def normalize_weights(weights, normalized):  # type: ignore[no-untyped-def]
    """normalized = weights / sum(weights); 0 if the sum is 0."""
    total = weights.dtype.type(0)
    for i in range(np.uint64(weights.size)):
        total += weights[i]
    if not total > 0:
        total = weights.dtype.type(1)
    for i in range(np.uint64(weights.size)):
        normalized[i] = weights[i] / total


@Routine
def clip_norm(gradient, maximum):  # type: ignore[no-untyped-def]
    """gradient *= maximum / norm(gradient) if the norm is larger."""
    total = gradient.dtype.type(0)
    for i in range(np.uint64(gradient.size)):
        total += gradient[i] * gradient[i]
    norm = sqrt(np.float64(total))
    if norm > maximum:
        factor = gradient.dtype.type(maximum / norm)
        for i in range(np.uint64(gradient.size)):
            gradient[i] *= factor


@Routine
def flush_denormals(array, step, every, tiny):  # type: ignore[no-untyped-def]
    """array = 0 where abs(array) < tiny, if the step is a multiple of `every`."""
    if step[0] % every == 0:
        zero = array.dtype.type(0)
        for i in range(np.uint64(array.size)):
            value = array[i]
            array[i] = zero if abs(value) < tiny else value


@Routine
def record(array, rows, row):  # type: ignore[no-untyped-def]
    """rows[row] = array."""
    for i in range(np.uint64(array.size)):
        rows[row[0], i] = array[i]


def gathering(operation: Gather, order: Array, start: Array) -> NativeCall:
    """Return a gather of the samples at `order[start : start + n]`."""
    bits = np.dtype(f"u{operation.source.itemsize}")
    known = {np.dtype("u4"): np.int32, np.dtype("u8"): np.int64, np.dtype("u1"): np.uint8}
    source, target = (
        array.view(known.get(bits, array.dtype)) for array in (operation.source, operation.target)
    )
    if operation.axis == 0:
        rows = source.reshape(len(source), -1), target.reshape(len(target), -1)
        return gather_rows.bound(rows[0], order, start, rows[1])
    columns = source.reshape(-1, source.shape[-1]), target.reshape(-1, target.shape[-1])
    return gather_columns.bound(columns[0], order, start, columns[1])


@singledispatch
def operation(call: object) -> NativeCall | None:  # noqa: ARG001
    """Return an operation of the core as a compiled call; None for anything else."""
    return None


@operation.register
def _(call: NormalizeWeights) -> NativeCall:
    return normalize_weights.bound(call.weights, call.normalized)


@operation.register
def _(call: ClipNorm) -> NativeCall:
    return clip_norm.bound(call.gradient, call.maximum)


@operation.register
def _(call: Record) -> NativeCall:
    return record.bound(call.array, call.rows, call.row)


@operation.register
def _(call: FlushDenormals) -> NativeCall:
    kind = call.array.dtype
    return flush_denormals.bound(call.array, call.step, call.every, np.finfo(kind).tiny)
