"""The routines of convolutions: loops over the tiles, and copies that prepare them."""

from functools import cache
from typing import NamedTuple

import numpy as np

from declnet_plugins.jit import Routine
from declnet_plugins.kernels.convolution_tiles import Tile, convolution_tile, gradient_tile


class Routines(NamedTuple):
    """The routines for a processor."""

    pack: Routine
    convolve: Routine
    correlate: Routine
    tile: Tile


@cache
def routines_for(tile: Tile) -> Routines:
    """Return the routines with tiles of given sizes."""
    convolve_tile, correlate_tile = convolution_tile(tile), gradient_tile(tile)
    width, most, filters_at_once, places = tile

    @Routine
    def pack(  # type: ignore[no-untyped-def]
        part, parts, weights, places, groups, rows, group_away, row_away, packed
    ):
        """Copy weights into the order in which the tiles read them.

        Args:
            part, parts: the share of the work.
            weights: flat.
            places: of the weights of a row, from its first one.
            groups, rows: their number, and the number of rows of each.
            group_away, row_away: distances of groups and rows.
            packed: flat; of each tile, the rows of each place.
        """
        depth = places.size
        tiles = (rows + most - 1) // most
        tasks = groups * tiles
        for task in range(tasks * part // parts, tasks * (part + 1) // parts):
            group = task // tiles
            first = rows * (task % tiles) // tiles
            count = rows * (task % tiles + 1) // tiles - first
            start = (group * rows + first) * depth
            for k in range(depth):
                for r in range(count):
                    place = group * group_away + (first + r) * row_away + places[k]
                    packed[start + k * count + r] = weights[place]

    @Routine
    def convolve(  # type: ignore[no-untyped-def]
        part,
        parts,
        source,
        source_group,
        packed,
        offsets,
        runs,
        biases,
        low,
        groups,
        length,
        target,
        target_row,
    ):
        """target[r, a + s] = max(biases[r] + sum of packed[k, r] source[b + offsets[k] + s], low).

        Args:
            part, parts: the share of the work.
            source, source_group: flat, and the distance of groups.
            packed: by `pack`.
            offsets: of each k in bytes.
            runs: (runs, 4), for each a, b, and the first k and the one after the last.
            biases: a number for each row r.
            low: the lowest result.
            groups: of as many rows each.
            length: of each run, over which s goes.
            target, target_row: flat, and the distance of rows.
        """
        size = source.itemsize
        step = 2 * width // size
        rows = biases.size // groups
        tiles = (rows + most - 1) // most
        tasks = runs.shape[0] * groups * tiles
        for task in range(tasks * part // parts, tasks * (part + 1) // parts):
            run = task // (groups * tiles)
            group = task // tiles % groups
            first = rows * (task % tiles) // tiles
            count = rows * (task % tiles + 1) // tiles - first
            row = group * rows + first
            begin, end = runs[run, 2], runs[run, 3]
            for s in range(0, length, step):
                convolve_tile(
                    count,
                    source.ctypes.data + size * (group * source_group + runs[run, 1] + s),
                    offsets.ctypes.data + 8 * begin,
                    end - begin,
                    packed.ctypes.data + size * (row * offsets.size + begin * count),
                    biases.ctypes.data + size * row,
                    target.ctypes.data + size * (row * target_row + runs[run, 0] + s),
                    size * target_row,
                    min(step, length - s),
                    low,
                )

    @Routine
    def correlate(  # type: ignore[no-untyped-def]
        part,
        parts,
        slopes,
        slopes_start,
        slopes_row,
        source,
        source_row,
        source_group,
        offsets,
        groups,
        rows,
        at_once,
        length,
        scratch,
        target,
    ):
        """target[f, k] = sum over i, s of slopes[f, i, s] * source[offsets[k] + (i, s)].

        Args:
            part, parts: the share of the work.
            slopes: (filters, …); the rows begin at `slopes_start`, `slopes_row` apart.
            source, source_row, source_group: flat, distances of rows and groups.
            offsets: of each k in bytes, then others up to a multiple of the tile's columns.
            groups: of as many filters each.
            rows, at_once, length: the number of rows i, how many at a time, and their length.
            scratch: (filters, number of offsets).
            target: (filters, k).
        """
        size, zero = source.itemsize, source.dtype.type(0)
        filters = slopes.shape[0] // groups
        tiles = (filters + filters_at_once - 1) // filters_at_once
        tasks = groups * tiles
        for task in range(tasks * part // parts, tasks * (part + 1) // parts):
            group = task // tiles
            first = filters * (task % tiles) // tiles + group * filters
            count = filters * (task % tiles + 1) // tiles + group * filters - first
            for f in range(first, first + count):
                for k in range(offsets.size):
                    scratch[f, k] = zero
            for i in range(0, rows, at_once):
                for k in range(0, offsets.size, places):
                    correlate_tile(
                        count,
                        slopes.ctypes.data
                        + size * (first * slopes.shape[1] + slopes_start + i * slopes_row),
                        size * slopes.shape[1],
                        size * slopes_row,
                        source.ctypes.data + size * (group * source_group + i * source_row),
                        size * source_row,
                        offsets.ctypes.data + 8 * k,
                        min(at_once, rows - i),
                        length,
                        scratch.ctypes.data + size * (first * offsets.size + k),
                        size * offsets.size,
                        zero,
                    )
            for f in range(first, first + count):
                for k in range(target.shape[1]):
                    target[f, k] = scratch[f, k]

    return Routines(pack, convolve, correlate, tile)


@Routine
def pad(part, parts, x, top, left, stride, columns, target):  # type: ignore[no-untyped-def]
    """target[c, top + i, (left + j) % s, (left + j) // s] = x[c, i, j], with the stride s.

    x: (channels, height, width, n); target: planes of (rows, s, columns, n), zeros elsewhere.
    """
    channels, height, width, n = x.shape
    for row in range(channels * height * part // parts, channels * height * (part + 1) // parts):
        c, i = np.uint64(row // height), np.uint64(row % height)
        for j in range(width):
            place = ((top + row % height) * stride + (left + j) % stride) * columns
            start = np.uint64((place + (left + j) // stride) * n)
            for s in range(np.uint64(n)):
                target[c, start + s] = x[c, i, np.uint64(j), s]


@Routine
def prepare_slopes(  # type: ignore[no-untyped-def]
    part, parts, y, dy, rectified, left, row, target, db
):
    """target = dy where y > 0, else 0; db = its sums. If not rectified, target = dy.

    y, dy: (filters, height, width * n); target: planes of rows, from `left`.
    """
    zero, one = db.dtype.type(0), db.dtype.type(1)
    filters, height, length = dy.shape
    for f in range(np.uint64(filters * part // parts), np.uint64(filters * (part + 1) // parts)):
        total = zero
        for i in range(np.uint64(height)):
            start = np.uint64(left) + i * np.uint64(row)
            if rectified:
                for s in range(np.uint64(length)):
                    target[f, start + s] = dy[f, i, s] * (one if y[f, i, s] > zero else zero)
            else:
                for s in range(np.uint64(length)):
                    target[f, start + s] = dy[f, i, s]
            # not in the same loop, whose bits would depend on whether it can be vectorized
            of_row = zero
            for s in range(np.uint64(length)):
                of_row += target[f, start + s]
            total += of_row
        db[f] = total
