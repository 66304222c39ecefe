"""Image layout that makes a convolution one matrix product per row of outputs.

For each row of the padded images, the layout stores what each column of the kernel sees at each
position. The numbers under the kernel for a row of outputs are then consecutive rows in memory,
which form a matrix without copying: (kernel height * channels * kernel width, width * n). This
takes the memory of the images times the kernel's width; a matrix of all patches (im2col) takes
that times the kernel's height, and proportionally more time to build.

The array has the axes (groups, rows, columns of the kernel by channel, width, n), with 1 after the
last channel if there are biases. Rows that a dilated kernel sees together are adjacent.
"""

from collections.abc import Iterator

import numpy as np

from declnet import Array, Shape
from declnet_standard.layers.small_buffer import small_buffer
from declnet_standard.layers.window import Window, seen


def rows_shape(window: Window, channels: int, groups: int, bias: bool) -> Shape:
    """Return the shape of the array for one sample."""
    length = channels // groups * window.columns.kernel + bias
    rows = -(-window.rows.padded // window.rows.dilation) * window.rows.dilation
    return groups, rows, length, window.columns.output


def store(stored: Array, images: Array, window: Window) -> None:
    """Store images (channels, height, width, n), with zeros where the kernel sees padding."""
    if window.has_padding:
        stored.fill(0)
    for part, numbers in _parts(stored, images, window):
        np.copyto(part, numbers)
    if stored.shape[2] > len(images) // len(stored) * window.columns.kernel:
        stored[:, :, -1] = 1


def add_up(stored: Array, images: Array, window: Window) -> None:
    """Fill images with the sums of the stored copies of each number; the inverse of `store`."""
    images.fill(0)
    with small_buffer():
        for part, numbers in _parts(stored, images, window):
            np.add(numbers, part, out=numbers)


def under_kernel(stored: Array, top: int, height: int, dilation: int) -> Array:
    """Return a view of what a kernel sees along one row: (groups, numbers, width * n).

    Args:
        stored: the stored images.
        top: the first row of the padded images that it sees.
        height: the kernel's height.
        dilation: the distance between the rows that it sees.
    """
    length = stored.shape[2]
    start = top % dilation * (stored.shape[1] // dilation) + top // dilation
    numbers = stored.reshape(len(stored), -1, stored.shape[3] * stored.shape[4])
    return numbers[:, start * length : (start + height) * length]


def _parts(stored: Array, images: Array, window: Window) -> Iterator[tuple[Array, Array]]:
    """Yield views of the array for a column of the kernel, and of the images it sees."""
    down, along = window.rows, window.columns
    channels = len(images) // len(stored)
    columns = stored[:, :, : channels * along.kernel]
    columns = columns.reshape(*stored.shape[:2], channels, along.kernel, *stored.shape[3:])
    numbers = images.reshape(len(stored), channels, *images.shape[1:])
    for rest in range(down.dilation):
        skipped = -((rest - down.before) // down.dilation)
        first = rest + skipped * down.dilation - down.before
        start = rest * (stored.shape[1] // down.dilation) + skipped
        seen_rows = numbers[:, :, first :: down.dilation]
        rows = columns[:, start : start + seen_rows.shape[2]].swapaxes(1, 2)
        for column, places, seen_columns in seen(along):
            yield rows[:, :, :, column, places], seen_rows[:, :, :, seen_columns]
