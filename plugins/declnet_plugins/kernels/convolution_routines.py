"""The routines of convolutions: loops over the tiles."""

from functools import cache
from typing import NamedTuple

from declnet_plugins.jit import Routine
from declnet_plugins.kernels.convolution_tiles import Tile, convolution_tile, gradient_tile


class Routines(NamedTuple):
    """The routines for a processor."""

    convolve: Routine
    correlate: Routine
    tile: Tile


@cache
def routines_for(tile: Tile) -> Routines:
    """Return the routines with tiles of given sizes."""
    convolve_tile, correlate_tile = convolution_tile(tile), gradient_tile(tile)
    width, most, filters_at_once, places = tile

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

    return Routines(convolve, correlate, tile)
