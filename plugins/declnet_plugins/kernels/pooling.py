"""Pools of images: each number is a maximum or a sum of numbers that a table lists.

    max_pool2d:      y[c, o] = the maximum of x[c, p] over the places p in the window o
                     dx[c, p] = sum of dy[c, o] over the windows o whose maximum is at p
    average_pool2d:  y[c, o] = sum of x[c, p] / positions
                     dx[c, p] = sum of dy[c, o] / positions over the windows o that cover p

Images have the batch axis last: (channels, places, n). A table has pairs of a place and a position
in the window; `starts` says where the pairs of each result begin. Loops over samples take four
pairs at a time where they can.
"""

from collections.abc import Sequence
from math import inf
from typing import Any, ClassVar

import numpy as np

from declnet import Array, KernelCalls, KernelSite, NativeCall
from declnet_plugins.jit import CompiledKernel, Routine
from declnet_plugins.kernels import FLOATS
from declnet_plugins.standard.layers.pooling import AveragePool2d, MaxPool2d
from declnet_plugins.standard.layers.window import Window, batch_last, seen, window_over

Table = tuple[Array, Array]

ZERO, ONE, TWO, THREE, FOUR = (np.uint64(number) for number in range(5))


def larger(value: Any, position: Any, best: Any, place: Any) -> Any:
    """Return the larger value, NaN if one is, and its position."""
    greater = value > best
    return (value if greater or np.isnan(value) else best), (position if greater else place)


@Routine
def maximum(part, parts, table, starts, x, y, position):  # type: ignore[no-untyped-def]
    """y[c, o] = the maximum of x[c, p] for the places p of o, at `position` in the window."""
    channels, n, lowest = y.shape[0], np.uint64(y.shape[2]), -x.dtype.type(np.inf)
    for c in range(np.uint64(channels * part // parts), np.uint64(channels * (part + 1) // parts)):
        for o in range(np.uint64(y.shape[1])):
            first, last = np.uint64(starts[o]), np.uint64(starts[o + ONE]) - ONE
            for k in range(first, last + ONE, FOUR):
                # the last one again where there are fewer than four
                k1, k2, k3 = min(k + ONE, last), min(k + TWO, last), min(k + THREE, last)
                p, m = np.uint64(table[k, ZERO]), np.uint8(table[k, ONE])
                p1, m1 = np.uint64(table[k1, ZERO]), np.uint8(table[k1, ONE])
                p2, m2 = np.uint64(table[k2, ZERO]), np.uint8(table[k2, ONE])
                p3, m3 = np.uint64(table[k3, ZERO]), np.uint8(table[k3, ONE])
                for s in range(n):
                    best = lowest if k == first else y[c, o, s]
                    place = np.uint8(0) if k == first else position[c, o, s]
                    best, place = larger(x[c, p, s], m, best, place)
                    best, place = larger(x[c, p1, s], m1, best, place)
                    best, place = larger(x[c, p2, s], m2, best, place)
                    best, place = larger(x[c, p3, s], m3, best, place)
                    y[c, o, s], position[c, o, s] = best, place


@Routine
def slopes(part, parts, table, starts, dy, position, dx):  # type: ignore[no-untyped-def]
    """dx[c, p] = the sum of dy[c, o] for the windows o of p whose maximum is at p."""
    channels, n = dx.shape[0], np.uint64(dx.shape[2])
    zero, one = dx.dtype.type(0), dx.dtype.type(1)
    for c in range(np.uint64(channels * part // parts), np.uint64(channels * (part + 1) // parts)):
        for p in range(np.uint64(dx.shape[1])):
            first, stop = np.uint64(starts[p]), np.uint64(starts[p + ONE])
            if first == stop:
                for s in range(n):
                    dx[c, p, s] = zero
            for k in range(first, stop):
                o, m = np.uint64(table[k, ZERO]), np.uint8(table[k, ONE])
                for s in range(n):
                    slope = dy[c, o, s] * (one if position[c, o, s] == m else zero)
                    dx[c, p, s] = slope if k == first else dx[c, p, s] + slope


@Routine
def sums(part, parts, table, starts, factor, x, y):  # type: ignore[no-untyped-def]
    """y[c, o] = the sum of x[c, p] for the places p of o, times a factor."""
    channels, n, zero = y.shape[0], np.uint64(y.shape[2]), x.dtype.type(0)
    for c in range(np.uint64(channels * part // parts), np.uint64(channels * (part + 1) // parts)):
        for o in range(np.uint64(y.shape[1])):
            first, stop = np.uint64(starts[o]), np.uint64(starts[o + ONE])
            if first == stop:
                for s in range(n):
                    y[c, o, s] = zero
            fours = first + (stop - first) // FOUR * FOUR
            for k in range(first, fours, FOUR):
                p, p1 = np.uint64(table[k, ZERO]), np.uint64(table[k + ONE, ZERO])
                p2, p3 = np.uint64(table[k + TWO, ZERO]), np.uint64(table[k + THREE, ZERO])
                for s in range(n):
                    total = x[c, p, s] + x[c, p1, s] + x[c, p2, s] + x[c, p3, s]
                    y[c, o, s] = factor * total + (zero if k == first else y[c, o, s])
            for k in range(fours, stop):
                p = np.uint64(table[k, ZERO])
                for s in range(n):
                    y[c, o, s] = factor * x[c, p, s] + (zero if k == first else y[c, o, s])


class _PoolKernel(CompiledKernel):
    """A pool over windows, from tables of what windows see."""

    most_positions: ClassVar[float] = inf
    """The largest number of positions in a window."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, channels, …), and dx."""
        arrays = [array for array in (site.x, site.y, site.dy, site.dx) if array is not None]
        window = self._window(site)
        if window.rows.kernel * window.columns.kernel > self.most_positions or any(
            array.dtype not in FLOATS or not batch_last(array).flags.c_contiguous
            for array in arrays
        ):
            return None
        forward, backward = self._bound(site, window, *map(_table, _sources(window)))
        return KernelCalls((forward,), () if backward is None else (backward,))

    def _window(self, site: KernelSite) -> Window:
        layer = site.components[0]
        stride = layer.stride or layer.pool_size
        return window_over(layer.type, site.x.shape[1:], layer.pool_size, stride, layer.padding)

    def _bound(
        self, site: KernelSite, window: Window, sources: Table, windows: Table
    ) -> tuple[NativeCall, NativeCall | None]:
        """Return the calls, given the tables of each window's places and each place's windows."""
        raise NotImplementedError


class MaxPool2dKernel(_PoolKernel):
    """y = the maximum of each window, with its position kept for dx."""

    type = "max_pool2d_jit"
    replaces: ClassVar[tuple[Any, ...]] = (MaxPool2d,)
    most_positions = 256  # which fit in a byte

    def _bound(
        self, site: KernelSite, window: Window, sources: Table, windows: Table
    ) -> tuple[NativeCall, NativeCall | None]:
        position = _flat(site.states[0].position)
        forward = maximum.bound(*sources, _flat(site.x), _flat(site.y), position)
        if site.dy is None or site.dx is None:
            return forward, None
        return forward, slopes.bound(*windows, _flat(site.dy), position, _flat(site.dx))


class AveragePool2dKernel(_PoolKernel):
    """y = the mean of each window, with the padding's zeros."""

    type = "average_pool2d_jit"
    replaces: ClassVar[tuple[Any, ...]] = (AveragePool2d,)

    def _bound(
        self, site: KernelSite, window: Window, sources: Table, windows: Table
    ) -> tuple[NativeCall, NativeCall | None]:
        factor = site.y.dtype.type(1 / (window.rows.kernel * window.columns.kernel))
        forward = sums.bound(*sources, factor, _flat(site.x), _flat(site.y))
        if site.dy is None or site.dx is None:
            return forward, None
        return forward, sums.bound(*windows, factor, _flat(site.dy), _flat(site.dx))


def _flat(images: Any) -> Array:
    """Return images (n, channels, …) viewed as (channels, places, n)."""
    last = batch_last(images)
    return last.reshape(len(last), -1, last.shape[-1])


Sources = Sequence[list[tuple[int, int]]]


def _sources(window: Window) -> tuple[Sources, Sources]:
    """Return each window's places in the image, and each place's windows, by their numbers.

    With each, there is the place's position in the window; both are sorted by it.
    """
    down, along = window.rows, window.columns
    places: Sources = [[] for _ in range(down.output * along.output)]
    windows: Sources = [[] for _ in range(down.size * along.size)]
    for k, rows, seen_rows in seen(down):
        for m, columns, seen_columns in seen(along):
            for i, p in zip(_numbers(rows), _numbers(seen_rows), strict=True):
                for j, q in zip(_numbers(columns), _numbers(seen_columns), strict=True):
                    output, place = i * along.output + j, p * along.size + q
                    position = k * along.kernel + m
                    places[output].append((place, position))
                    windows[place].append((output, position))
    return places, windows


def _numbers(numbers: slice) -> range:
    return range(numbers.start, numbers.stop, numbers.step or 1)


def _table(sources: Sources) -> Table:
    """Return all pairs, and where the pairs of each begin."""
    pairs = [pair for source in sources for pair in source]
    starts = np.cumsum([0, *map(len, sources)], dtype=np.int64)
    return np.array(pairs, np.int64).reshape(-1, 2), starts
