"""Random NumPy functions of a batch, and their recorded programs of one sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from declnet_plugins.recording import SampleProgram, SampleRecording

TABLE = np.array([[0.5, 1], [-1, 2], [3, 0.0]])
POINTS = np.array([-1.5, -0.25, -0.25, 0.5, 2.0])


def weights(inputs: int, units: int) -> Any:
    return np.cos(np.arange(inputs * units)).reshape(inputs, units)


def column(a: Any, like: Any) -> Any:
    """Return the first number of each sample, to be broadcast to another array."""
    return a.reshape(len(a), -1)[:, :1].reshape(len(a), *(1 for _ in like.shape[1:]))


def in_parts(a: Any, b: Any) -> Any:
    c = a.copy()
    c[:, ::2] *= 2
    c[:, -1:] = column(b, c)
    c[:, 0] = 0.5
    return c


def overlapping(a: Any, b: Any) -> Any:
    c = np.empty_like(a)
    c[...] = a
    c[:, 1:] = c[:, :-1]
    np.add(c, column(b, c), out=c, where=c > 0)
    return c


def in_columns(a: Any, b: Any) -> Any:
    c = np.tanh(np.moveaxis(a, 0, -1))
    c += np.moveaxis(column(b, a), 0, -1)
    return np.moveaxis(c, -1, 0)


def masked(a: Any, b: Any) -> Any:
    c = np.where(a > column(b, a), a, 0.25)
    c[c < -0.5] = -1
    np.copyto(c, 3.0, where=np.isclose(c, 0.25))
    return c


def merged(a: Any, _: Any) -> Any:
    rows = a.reshape(-1, a.shape[-1])
    return (rows @ weights(a.shape[-1], 2)).reshape(*a.shape[:-1], 2) if a.ndim > 1 else a


def fortran(a: Any, b: Any) -> Any:
    c = np.empty_like(a, order="F")
    np.multiply(a, 0.5, out=c)
    d = c.copy(order="F").reshape(len(a), -1)
    return np.concatenate([d, column(b, d)], axis=1)


def looked_up(a: Any, table: Any) -> Any:
    flat = a.reshape(len(a), -1)
    places = np.minimum(flat.argmax(axis=1), 2)
    return np.take(table, places, axis=0) + np.searchsorted(POINTS, flat[:, :1])


FUNCTIONS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: np.tanh(a) + column(b, a),
    lambda a, b: np.maximum(a, column(b, a)) / (1 + a * a),
    lambda a, b: a[:, ::-1][:, :2] - 1,
    lambda a, b: a - a.mean(axis=-1, keepdims=True) if a.ndim > 1 else a,
    lambda a, b: a.max(axis=1) if a.ndim > 2 else np.abs(a),
    lambda a, b: np.cumsum(a, axis=1),
    lambda a, b: np.broadcast_to(a[:, None], (len(a), 3, *a.shape[1:]), subok=True).sum(axis=1),
    lambda a, b: np.inner(a, weights(3, a.shape[-1])).max(axis=-1, keepdims=True, initial=0.2),
    lambda a, b: a.swapaxes(1, -1) if a.ndim > 2 else a[:, :, None],
    lambda a, b: np.stack([a, np.sin(a)], axis=1) if a.ndim < 4 else a,
    lambda a, b: a.reshape(len(a), -1),
    lambda a, b: np.einsum("n...k,k->n...k", a, np.arange(1.0, a.shape[-1] + 1)),
    lambda a, b: np.einsum("n...k,n...k->n...", a, a) if a.ndim > 2 else a,
    lambda a, b: a.reshape(len(a), -1) @ weights(a[0].size, 3),
    lambda a, b: np.roll(np.repeat(a, 2, axis=1), 1, axis=1)[:, :3],
    lambda a, b: a[:, [0, -1, 0]],
    lambda a, b: np.interp(a.reshape(len(a), -1)[:, 0], POINTS, np.exp(POINTS))[:, None],
    lambda a, b: np.linalg.norm(a, axis=-1, keepdims=True),
    in_parts, overlapping, in_columns, masked, merged, fortran,
)  # fmt: skip


COUNT = len(FUNCTIONS) + 1


def computed(x: Any, table: Any, codes: Sequence[int]) -> Any:
    """Apply functions, selected by their numbers, to a batch (n, features, …)."""
    arrays = [x]
    for code in codes:
        number, other = code % COUNT, arrays[code // COUNT % len(arrays)]
        is_last = number == len(FUNCTIONS)
        a = arrays[-1]
        result = looked_up(a, table) if is_last else FUNCTIONS[number](a, other)
        if result[0].size <= 64:
            arrays.append(result)
    return arrays[-1]


def recorded(function: Callable[..., Any], x: Any, *constants: Any) -> SampleProgram:
    """Return the program of a function of a batch, and of arrays that do not depend on it."""
    recording = SampleRecording(len(x))
    arrays = recording.input(x.copy(order="A")), *map(recording.array, constants)
    with np.errstate(all="ignore"):
        return recording.program([function(*arrays)])
