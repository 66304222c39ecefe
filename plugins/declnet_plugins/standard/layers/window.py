"""Sliding windows over images, for convolution and pooling: fields, places, and fast loops."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from declnet import Array, Shape


def _pair(value: Any, least: int, words: str = "") -> tuple[int, int]:
    """Return two integers, given one or two; raise an error with its code for anything else."""
    numbers = value if isinstance(value, list | tuple) else [value, value]
    if any(type(number) is not int for number in numbers):
        code = "E014" if words and isinstance(value, str) else "E012"
    elif any(number < least for number in numbers):
        code = "E013"
    elif len(numbers) != 2:
        code = "E018"
    else:
        return numbers[0], numbers[1]
    message = f"must be {words}an integer of at least {least}, or two: [height, width]"
    raise PydanticCustomError("window", message, {"code": code})


def _sizes(value: Any) -> tuple[int, int]:
    return _pair(value, 1)


def _extras(value: Any) -> tuple[int, int]:
    return _pair(value, 0)


def _padding(value: Any) -> str | tuple[int, int]:
    return str(value) if value in ("same", "valid") else _pair(value, 0, '"same", "valid", ')


def _form(least: int) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": least}
    return [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]


Sizes = Annotated[tuple[int, int], BeforeValidator(_sizes), WithJsonSchema({"anyOf": _form(1)})]
"""A field for height and width: one integer for both, or two; at least 1."""

Extras = Annotated[tuple[int, int], BeforeValidator(_extras), WithJsonSchema({"anyOf": _form(0)})]
"""A field for additional height and width: one integer for both, or two; at least 0."""

Padding = Annotated[
    Literal["same", "valid"] | tuple[int, int],
    BeforeValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": ["same", "valid"]}, *_form(0)]}),
]
"""A field for padding: a word, one integer for all four sides, or [height, width]."""

Index = tuple[slice, ...]
"""An index of rows and columns of images (channels, height, width, n)."""


@dataclass(frozen=True)
class Axis:
    """A window of `kernel` numbers, `dilation` apart, moved by `stride` along `size` numbers.

    `before` and `after` are the padding at the ends.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def padded(self) -> int:
        """The size with padding."""
        return self.before + self.size + self.after

    @property
    def output(self) -> int:
        """The number of places the window has."""
        return (self.padded - (self.kernel - 1) * self.dilation - 1) // self.stride + 1


@dataclass(frozen=True)
class Window:
    """A window over images: down their rows, and along their columns."""

    rows: Axis
    columns: Axis

    @property
    def output(self) -> tuple[int, int]:
        """The number of places of the window: (height, width)."""
        return self.rows.output, self.columns.output

    @property
    def tiles(self) -> bool:
        """Whether the windows cover each number of the image exactly once."""
        return not self.has_padding and all(
            axis.kernel == axis.stride and axis.size == axis.output * axis.stride
            for axis in (self.rows, self.columns)
        )

    @property
    def has_padding(self) -> bool:
        """Whether the window sees any padding."""
        sizes = (self.rows.size, self.columns.size)
        return sizes != (self.rows.padded, self.columns.padded)


@lru_cache(maxsize=256)
def seen(axis: Axis) -> tuple[tuple[int, slice, slice], ...]:
    """Return what a window's places see along an axis, excluding padding.

    Returns:
        For each position in the window that sees any numbers: the position, the places where it
        does, and the numbers that it sees there, as many.
    """
    positions = []
    for position in range(axis.kernel):
        offset = position * axis.dilation - axis.before
        first = max(0, -(offset // axis.stride))
        last = min(axis.output - 1, (axis.size - 1 - offset) // axis.stride)
        if first <= last:
            start, stop = first * axis.stride + offset, last * axis.stride + offset + 1
            positions.append((position, slice(first, last + 1), slice(start, stop, axis.stride)))
    return tuple(positions)


@lru_cache(maxsize=256)
def positions(window: Window) -> tuple[tuple[int, Index, Index], ...]:
    """Return, for each window position, its number, the places that see data, and the data."""
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
    """Return the window over images of a shape.

    Args:
        what: the layer's type, for messages.
        shape: (channels, height, width).
        kernel: its height and width.
        stride: the step down and to the right.
        padding: "valid": none; "same": ceil(size / stride) places, Keras's rule (torch accepts it
            only for stride 1, with the same meaning), an odd remainder going below and to the
            right; or the amounts to add above and below, and left and right.
        dilation: the distance between its numbers.

    Raises:
        ValueError: the input is not images, or they are smaller than the window.
    """
    require_images(what, shape)
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
                "use a smaller window, or padding"
            )
        axes.append(Axis(size, kernel[index], stride[index], dilation[index], before, after))
    return Window(*axes)


def require_images(what: str, shape: Shape) -> None:
    """Raise ValueError unless samples of a shape are images (channels, height, width)."""
    if len(shape) != 3:
        help_ = "put a reshape before it" if len(shape) < 3 else "it has no further axes"
        raise ValueError(f"{what} takes images (channels, height, width), not {shape}; {help_}")


def batch_last(images: Array) -> Array:
    """Return (n, channels, height, width) viewed as (channels, height, width, n).

    The view is C-contiguous if the batch axis is the contiguous one, as between layers.
    """
    return np.moveaxis(images, 0, -1)


@contextmanager
def small_buffer() -> Iterator[None]:
    """Make ufuncs copy strided operands through a buffer of 512 numbers instead of 8192.

    NumPy copies them if several rows fit in its buffer. That pays off for rows of a few numbers,
    but for rows of a thousand it takes three to four times as long as reading them in place. The
    buffer size belongs to the thread's context and is restored afterward.
    """
    size = np.setbufsize(512)
    try:
        yield
    finally:
        np.setbufsize(size)
