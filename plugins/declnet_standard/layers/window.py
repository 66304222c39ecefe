"""Windows that slide over images, for convolution and pooling: their sizes and places."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from declnet import Shape

Index = tuple[slice, ...]
"""Picks rows and columns of images (channels, height, width, n)."""


@dataclass(frozen=True)
class Axis:
    """A window of `kernel` numbers, `dilation` apart, moved by `stride` along `size` numbers.

    `before` and `after` are what padding adds at the ends.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def padded(self) -> int:
        """size + padding."""
        return self.before + self.size + self.after

    @property
    def output(self) -> int:
        """How many places the window has."""
        return (self.padded - (self.kernel - 1) * self.dilation - 1) // self.stride + 1


@dataclass(frozen=True)
class Window:
    """A window over images: down their rows, and along their columns."""

    rows: Axis
    columns: Axis

    @property
    def output(self) -> tuple[int, int]:
        """Places of the window: (height, width)."""
        return self.rows.output, self.columns.output

    @property
    def kernel(self) -> tuple[int, int]:
        """Numbers in the window: (height, width)."""
        return self.rows.kernel, self.columns.kernel

    @property
    def tiles(self) -> bool:
        """Whether the windows cover the image, each number once."""
        return not self.has_padding and all(
            axis.kernel == axis.stride and axis.size == axis.output * axis.stride
            for axis in (self.rows, self.columns)
        )

    @property
    def has_padding(self) -> bool:
        """Whether it sees anything but the images."""
        sizes = (self.rows.size, self.columns.size)
        return sizes != (self.rows.padded, self.columns.padded)


@lru_cache(maxsize=256)
def seen(axis: Axis) -> tuple[tuple[int, slice, slice], ...]:
    """What the places of a window see along an axis, padding left out.

    Returns:
        For each position in the window that sees any numbers: the position, the places where it
        does, and the numbers that it sees there, as many.
    """
    found = []
    for position in range(axis.kernel):
        offset = position * axis.dilation - axis.before
        first = max(0, -(offset // axis.stride))
        last = min(axis.output - 1, (axis.size - 1 - offset) // axis.stride)
        if first <= last:
            start, stop = first * axis.stride + offset, last * axis.stride + offset + 1
            found.append((position, slice(first, last + 1), slice(start, stop, axis.stride)))
    return tuple(found)


@lru_cache(maxsize=256)
def positions(window: Window) -> tuple[tuple[int, Index, Index], ...]:
    """For each position in the window: its number, the places that see anything, what they see."""
    return tuple(
        (i * window.columns.kernel + j, np.s_[:, places, across], np.s_[:, rows, columns])
        for (i, places, rows), (j, across, columns) in product(
            seen(window.rows), seen(window.columns)
        )
    )


@lru_cache(maxsize=256)
def window_over(
    what: str,
    shape: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: str | tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Window:
    """The window over images of a shape.

    Args:
        what: the layer's type, for messages.
        shape: (channels, height, width).
        kernel: its height and width.
        stride: by how much it moves down and to the right.
        padding: "valid": none; "same": ceil(size / stride) places, Keras's rule (torch takes the
            word for stride 1 only, and means the same), an odd rest going below and to the right;
            or what to add above and below, and on the left and on the right.
        dilation: how far apart its numbers are.

    Raises:
        ValueError: no images, or smaller ones than the window.
    """
    if len(shape) != 3:
        help_ = "put a reshape before it" if len(shape) < 3 else "it has no further axes"
        raise ValueError(f"{what} takes images (channels, height, width), not {shape}; {help_}")
    axes = []
    for index, (name, size) in enumerate(zip(("height", "width"), shape[1:], strict=True)):
        extent = (kernel[index] - 1) * dilation[index] + 1
        if padding == "same":
            places = -(-size // stride[index])
            total = max((places - 1) * stride[index] + extent - size, 0)
            before, after = total // 2, total - total // 2
        else:
            before = after = 0 if isinstance(padding, str) else padding[index]
        if extent > before + size + after:
            padded = f", {before + size + after} with padding" if before + after else ""
            raise ValueError(
                f"{what}'s window has {name} {extent}, the images {shape} have {size}{padded}; "
                "take a smaller window, or padding"
            )
        axes.append(Axis(size, kernel[index], stride[index], dilation[index], before, after))
    return Window(*axes)
