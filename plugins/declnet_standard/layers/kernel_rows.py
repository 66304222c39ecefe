"""Images laid out so that a convolution is a product of matrices for each row of its outputs.

For each row of the padded images is stored what each column of the kernel sees at each place. The
numbers under the kernel at all places of a row of outputs are then consecutive rows of that, so
they are a matrix as they lie: (kernel height * channels * kernel width, width * n). It takes the
memory of the images times the kernel's width, where a matrix of all patches (im2col) takes that
times its height again, and is made in as much less time.

An array of it has the axes (groups, rows, columns of the kernel by channel, width, n), with 1 after
the last channel if there are biases. Rows that a dilated kernel sees at once are beside each other.
"""

from collections.abc import Iterator

import numpy as np

from declnet import Array, Shape
from declnet_standard.layers.small_buffer import small_buffer
from declnet_standard.layers.window import Window, seen


def rows_shape(window: Window, channels: int, groups: int, bias: bool) -> Shape:
    """The shape of what is stored for one sample."""
    length = channels // groups * window.columns.kernel + bias
    rows = -(-window.rows.padded // window.rows.dilation) * window.rows.dilation
    return groups, rows, length, window.columns.output


def store(stored: Array, images: Array, window: Window) -> None:
    """Stores images (channels, height, width, n), and zeros where the kernel sees padding."""
    if window.has_padding:
        stored.fill(0)
    for part, numbers in _parts(stored, images, window):
        np.copyto(part, numbers)
    if stored.shape[2] > len(images) // len(stored) * window.columns.kernel:
        stored[:, :, -1] = 1


def add_up(stored: Array, images: Array, window: Window) -> None:
    """The other way: fills images with the sum of what is stored for each of their numbers."""
    images.fill(0)
    with small_buffer():
        for part, numbers in _parts(stored, images, window):
            np.add(numbers, part, out=numbers)


def under_kernel(stored: Array, top: int, height: int, dilation: int) -> Array:
    """A view of what a kernel sees in the places of one row: (groups, numbers, width * n).

    Args:
        stored: the images.
        top: the first row of the padded images that it sees.
        height: of the kernel.
        dilation: how far apart the rows are that it sees.
    """
    length = stored.shape[2]
    start = top % dilation * (stored.shape[1] // dilation) + top // dilation
    numbers = stored.reshape(len(stored), -1, stored.shape[3] * stored.shape[4])
    return numbers[:, start * length : (start + height) * length]


def _parts(stored: Array, images: Array, window: Window) -> Iterator[tuple[Array, Array]]:
    """Views of what is stored for a column of the kernel, and of what it sees of the images."""
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
