"""Pools of images: each number is a maximum or a sum of numbers that a table lists.

    max_pool2d:      y[c, o] = the maximum of x[c, p] over the places p in the window o
                     dx[c, p] = sum of dy[c, o] over the windows o whose maximum is at p
    average_pool2d:  y[c, o] = sum of x[c, p] / positions
                     dx[c, p] = sum of dy[c, o] / positions over the windows o that cover p

Images have the batch axis last, so a vector holds numbers of neighboring samples. The tables have,
for each result, its sources' distances from the channel's first number, and their positions in the
window; results do not depend on each other.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from declnet import Array, KernelCalls, KernelSite
from declnet_jit.kernels.vectors import vector_bytes, vectors_of
from declnet_jit.numba_kernel import FLOATS, NumbaKernel
from declnet_jit.routine import Intrinsic, Routine
from declnet_standard.layers import AveragePool2d, MaxPool2d
from declnet_standard.layers.window import Window, batch_last, seen, window_over

Emit = Callable[..., None]


def reduction(width: int, emit_tile: Emit) -> Intrinsic:
    """Return a function for routines that fills the vectors of one result.

    Args:
        width: bytes of a vector.
        emit_tile: emits the reduction for one vector, given the builder, what to emit vectors by,
            the number of sources, a function that returns the source of a number as the distance
            in numbers and the position in the window, and the arguments a, b, c and `first`.
    """

    def reduce_vectors(_context, _table, _count, _a, _b, _c, _vectors, first):  # type: ignore[no-untyped-def]
        """Fill some whole vectors of c from the sources in a and b.

        Args:
            table: the address of pairs: a distance in numbers, and a position in the window.
            count: the number of pairs.
            a, b, c: addresses.
            vectors: the number of vectors.
            first: a number of the type of the vectors' numbers.
        """
        from llvmlite import ir
        from numba import types
        from numba.core import cgutils

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            table, count, a, b, c, vectors, number = arguments
            word = ir.IntType(64)
            emit = vectors_of(builder, number.type, width)

            def source(k: Any) -> tuple[Any, Any]:
                entry = builder.add(table, builder.shl(k, word(4)))
                return builder.load(emit.at(entry, 0, word)), builder.load(emit.at(entry, 8, word))

            with cgutils.for_range(builder, vectors) as loop:
                start = builder.mul(loop.index, word(emit.lanes_each))
                emit_tile(builder, emit, count, source, (a, b, c), start, number)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 6, first), generate

    return Intrinsic(reduce_vectors)


def emit_maximum(  # type: ignore[no-untyped-def]
    builder, emit, count, source, addresses, start, lowest
) -> None:
    """Emit c = the maximum of a, NaN if there is one, and b = its position in the window."""
    from numba.core import cgutils

    a, b, c = addresses
    (best,) = emit.variable(1)
    (place,) = emit.variable(1, emit.integers)
    builder.store(emit.repeat(lowest), best)
    builder.store(emit.integers([0] * emit.lanes_each), place)
    with cgutils.for_range(builder, count) as loop:
        distance, position = source(loop.index)
        at = builder.mul(builder.add(distance, start), distance.type(emit.bytes_each))
        value, known = emit.load(builder.add(a, at)), builder.load(best)
        greater = builder.fcmp_ordered(">", value, known)
        position = emit.repeat_integer(position)
        builder.store(builder.select(greater, position, builder.load(place)), place)
        replaces = builder.or_(greater, builder.fcmp_unordered("uno", value, value))
        builder.store(builder.select(replaces, value, known), best)
    at = builder.mul(start, start.type(emit.bytes_each))
    emit.store(builder.load(best), builder.add(c, at))
    small = builder.trunc(builder.load(place), emit.small_integers)
    builder.store(small, emit.at(builder.add(b, start), 0, emit.small_integers), align=1)


def emit_slopes(  # type: ignore[no-untyped-def]
    builder, emit, count, source, addresses, start, zero
) -> None:
    """Emit c = the sum of a, each times 1 where b is the position in the window, else times 0."""
    from numba.core import cgutils

    a, b, c = addresses
    (total,) = emit.variable(1)
    builder.store(emit.repeat(zero), total)
    ones = emit.zero.type([1.0] * emit.lanes_each)
    with cgutils.for_range(builder, count) as loop:
        distance, position = source(loop.index)
        place = builder.add(distance, start)
        slope = emit.load(builder.add(a, builder.mul(place, place.type(emit.bytes_each))))
        pointer = emit.at(builder.add(b, place), 0, emit.small_integers)
        found = builder.zext(builder.load(pointer, align=1), emit.integers)
        here = builder.icmp_unsigned("==", found, emit.repeat_integer(position))
        part = builder.fmul(slope, builder.select(here, ones, emit.zero))
        builder.store(builder.fadd(builder.load(total), part), total)
    at = builder.mul(start, start.type(emit.bytes_each))
    emit.store(builder.load(total), builder.add(c, at))


def emit_sum(builder, emit, count, source, addresses, start, factor) -> None:  # type: ignore[no-untyped-def]
    """Emit c = the sum of a, times a factor."""
    from numba.core import cgutils

    a, _, c = addresses
    (total,) = emit.variable(1)
    builder.store(emit.zero, total)
    with cgutils.for_range(builder, count) as loop:
        distance, _ = source(loop.index)
        place = builder.add(distance, start)
        value = emit.load(builder.add(a, builder.mul(place, place.type(emit.bytes_each))))
        builder.store(builder.fadd(builder.load(total), value), total)
    at = builder.mul(start, start.type(emit.bytes_each))
    value = builder.fmul(builder.load(total), emit.repeat(factor))
    emit.store(value, builder.add(c, at))


class Routines(NamedTuple):
    """The routines for vectors of some bytes."""

    maximum: Routine
    slopes: Routine
    sums: Routine


@cache
def routines_for(width: int) -> Routines:
    """Return the routines for vectors of some bytes."""
    maximum_of, slopes_of = reduction(width, emit_maximum), reduction(width, emit_slopes)
    sum_of = reduction(width, emit_sum)

    @Routine
    def maximum(part, parts, table, starts, x, y, position):  # type: ignore[no-untyped-def]
        """y[c, o] = the maximum of x[c, p] for the sources p of o, at `position` in the window."""
        size, n = x.itemsize, y.shape[2]
        vectors = n * size // width
        lowest = -x.dtype.type(np.inf)
        for c in range(y.shape[0] * part // parts, y.shape[0] * (part + 1) // parts):
            for o in range(y.shape[1]):
                maximum_of(
                    table.ctypes.data + 16 * starts[o],
                    starts[o + 1] - starts[o],
                    x.ctypes.data + size * c * x.shape[1] * n,
                    position.ctypes.data + (c * y.shape[1] + o) * n,
                    y.ctypes.data + size * (c * y.shape[1] + o) * n,
                    vectors,
                    lowest,
                )
                for s in range(vectors * width // size, n):
                    best, place = lowest, 0
                    for k in range(starts[o], starts[o + 1]):
                        value = x[c, table[k, 0] // n, s]
                        if value > best:
                            best, place = value, table[k, 1]
                        elif np.isnan(value):
                            best = value
                    y[c, o, s], position[c, o, s] = best, place

    @Routine
    def slopes(part, parts, table, starts, dy, position, dx):  # type: ignore[no-untyped-def]
        """dx[c, p] = the sum of dy[c, o] for the windows o of p whose maximum is at p."""
        size, n = dx.itemsize, dx.shape[2]
        vectors = n * size // width
        zero, one = dx.dtype.type(0), dx.dtype.type(1)
        for c in range(dx.shape[0] * part // parts, dx.shape[0] * (part + 1) // parts):
            for p in range(dx.shape[1]):
                slopes_of(
                    table.ctypes.data + 16 * starts[p],
                    starts[p + 1] - starts[p],
                    dy.ctypes.data + size * c * dy.shape[1] * n,
                    position.ctypes.data + c * dy.shape[1] * n,
                    dx.ctypes.data + size * (c * dx.shape[1] + p) * n,
                    vectors,
                    zero,
                )
                for s in range(vectors * width // size, n):
                    total = zero
                    for k in range(starts[p], starts[p + 1]):
                        o = table[k, 0] // n
                        here = position[c, o, s] == table[k, 1]
                        total += dy[c, o, s] * (one if here else zero)
                    dx[c, p, s] = total

    @Routine
    def sums(part, parts, table, starts, factor, x, y):  # type: ignore[no-untyped-def]
        """y[c, o] = the sum of x[c, p] for the sources p of o, times a factor."""
        size, n = x.itemsize, y.shape[2]
        vectors = n * size // width
        for c in range(y.shape[0] * part // parts, y.shape[0] * (part + 1) // parts):
            for o in range(y.shape[1]):
                sum_of(
                    table.ctypes.data + 16 * starts[o],
                    starts[o + 1] - starts[o],
                    x.ctypes.data + size * c * x.shape[1] * n,
                    0,
                    y.ctypes.data + size * (c * y.shape[1] + o) * n,
                    vectors,
                    factor,
                )
                for s in range(vectors * width // size, n):
                    total = x.dtype.type(0)
                    for k in range(starts[o], starts[o + 1]):
                        total += x[c, table[k, 0] // n, s]
                    y[c, o, s] = total * factor

    return Routines(maximum, slopes, sums)


class _PoolKernel(NumbaKernel):
    """A pool over windows, from tables of what windows see."""

    width: ClassVar[int | None] = None
    """Bytes of a vector; default: those of this processor."""

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Fill y, (n, channels, height, width), and dx."""
        arrays = [each for each in (site.x, site.y, site.dy, site.dx) if each is not None]
        layer = site.components[0]
        if layer.pool_size[0] * layer.pool_size[1] > 256 or any(
            each.dtype not in FLOATS or not batch_last(each).flags.c_contiguous for each in arrays
        ):
            return None
        shape, n = site.x.shape[1:], len(site.x)
        stride = layer.stride or layer.pool_size
        window = window_over(layer.type, shape, layer.pool_size, stride, layer.padding)
        sources, windows = _sources(window)
        return self._bound(site, _table(sources, n), _table(windows, n))

    def _bound(
        self, site: KernelSite, sources: tuple[Array, Array], windows: tuple[Array, Array]
    ) -> KernelCalls:
        """Return the calls, given the tables of each window's places and each place's windows."""
        raise NotImplementedError


class MaxPool2dKernel(_PoolKernel):
    """y = the maximum of each window, with its position kept for dx."""

    type = "max_pool2d_jit"
    replaces: ClassVar[tuple[Any, ...]] = (MaxPool2d,)

    def _bound(
        self, site: KernelSite, sources: tuple[Array, Array], windows: tuple[Array, Array]
    ) -> KernelCalls:
        routines = routines_for(self.width or vector_bytes())
        position = _flat(site.states[0].position)
        forward = routines.maximum.bound(*sources, _flat(site.x), _flat(site.y), position)
        if site.dy is None or site.dx is None:
            return KernelCalls((forward,))
        backward = routines.slopes.bound(*windows, _flat(site.dy), position, _flat(site.dx))
        return KernelCalls((forward,), (backward,))


class AveragePool2dKernel(_PoolKernel):
    """y = the mean of each window, with the padding's zeros."""

    type = "average_pool2d_jit"
    replaces: ClassVar[tuple[Any, ...]] = (AveragePool2d,)

    def _bound(
        self, site: KernelSite, sources: tuple[Array, Array], windows: tuple[Array, Array]
    ) -> KernelCalls:
        height, width = site.components[0].pool_size
        sums = routines_for(self.width or vector_bytes()).sums
        factor = site.y.dtype.type(1 / (height * width))
        forward = sums.bound(*sources, factor, _flat(site.x), _flat(site.y))
        if site.dy is None or site.dx is None:
            return KernelCalls((forward,))
        return KernelCalls(
            (forward,), (sums.bound(*windows, factor, _flat(site.dy), _flat(site.dx)),)
        )


def _flat(images: Any) -> Array:
    """Return images (n, channels, height, width) viewed as (channels, places, n)."""
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


def _table(sources: Sources, n: int) -> tuple[Array, Array]:
    """Return pairs of a distance in numbers and a position, and where those of each begin."""
    pairs = [(place * n, position) for each in sources for place, position in each]
    starts = np.cumsum([0, *map(len, sources)], dtype=np.int64)
    return np.array(pairs, np.int64).reshape(-1, 2), starts
