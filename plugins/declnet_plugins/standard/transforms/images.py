"""Transforms of images."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, ColumnError, Transform, TransformState


class Normalize(Transform):
    """y = (x / maximum - mean) / std, by given numbers; nothing is learned.

    Without mean and std, bytes from 0 to 255 become numbers from 0 to 1. Lists of means and stds
    have an item for each channel of images (n, channels, height, width). y is float32 if x has
    8-bit or 16-bit integers, as images do, to save memory.
    """

    type = "normalize"
    examples = ({}, {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]})

    maximum: float = Field(default=255.0, gt=0, description="the value that becomes 1")
    mean: tuple[float, ...] | None = Field(
        default=None, min_length=1, description="mean of each channel, for numbers from 0 to 1"
    )
    std: tuple[float, ...] | None = Field(
        default=None, min_length=1, description="standard deviation of each channel; greater than 0"
    )

    @model_validator(mode="after")
    def _fit_each_other(self) -> Self:
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("each std must be greater than 0")
        if self.mean and self.std and len(self.mean) != len(self.std):
            raise ValueError("mean and std must have one item for each channel, so the same number")
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the data is a numeric array, with as many channels as mean and std."""
        numbers = column.dtype.kind in "fiu" and column.ndim > 1
        channels = max(len(numbers or ()) for numbers in (self.mean, self.std))
        return numbers and (channels < 2 or (column.ndim == 4 and column.shape[1] == channels))

    def apply(self, x: Array, state: TransformState) -> Array:
        """Return y by the equation above."""
        if x.dtype.kind not in "fiu":
            raise ColumnError("does not hold numbers")
        small = x.dtype.kind in "iu" and x.dtype.itemsize <= 2
        y = np.divide(x, self.maximum, dtype=np.float32 if small else float)
        if self.mean is not None:
            y -= self._by_channel(self.mean, y)
        if self.std is not None:
            y /= self._by_channel(self.std, y)
        return y

    def _by_channel(self, factors: tuple[float, ...], y: Array) -> Array:
        if len(factors) == 1:
            return np.asarray(factors[0], y.dtype)
        if y.ndim != 4 or y.shape[1] != len(factors):
            raise ColumnError(
                f"has samples of shape {y.shape[1:]}, not images of {len(factors)} channels",
                hint="give one mean and std for all, or an item for each channel",
            )
        return np.asarray(factors, y.dtype)[:, None, None]


class Augment(Transform):
    """Random flips, shifts and crops of the images of each training batch; other data is unchanged.

    x: (n, channels, height, width). Each image is flipped with probability one half and
    shifted by some pixels, all directions being equally likely; its edge fills the gap. With
    crop, a random part of each image, whose height and width are a share from crop to 1 of the
    image's, is scaled to its size, linearly between pixels.
    """

    type = "augment"
    examples = ({"flip": True, "shift": 2}, {"flip_vertically": True}, {"crop": 0.8})
    training_only = True

    flip: bool = Field(default=False, description="whether to flip images left to right")
    flip_vertically: bool = Field(default=False, description="whether to flip images upside down")
    shift: int = Field(default=0, ge=0, description="maximum shift in pixels")
    crop: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="smallest share of height and width to crop to; 1: none",
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.flip or self.flip_vertically or self.shift or self.crop < 1):
            raise ValueError("it changes nothing: give flip, flip_vertically, shift or crop")
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the data is images larger than the shift."""
        return column.ndim == 4 and min(column.shape[2:]) > self.shift

    def vary(self, x: Array, rng: np.random.Generator) -> None:
        """Return the images with their pixels flipped, shifted and cropped."""
        n, channels, height, width = x.shape
        share = rng.uniform(self.crop, 1, (n, 1)) if self.crop < 1 else None
        rows = self._places(n, height, self.flip_vertically, share, rng)
        columns = self._places(n, width, self.flip, share, rng)
        if share is not None:
            rows_read = _interpolated(x, rows[:, None, :, None], axis=2)
            x[...] = _interpolated(rows_read, columns[:, None, None, :], axis=3)
            return
        samples = np.arange(n)[:, None, None, None]
        every = np.arange(channels)[:, None, None]
        x[...] = x[samples, every, rows[:, None, :, None], columns[:, None, None, :]]

    def _places(
        self, n: int, size: int, flip: bool, share: Array | None, rng: np.random.Generator
    ) -> Array:
        """Return the source position of each pixel along one axis, per image, (n, size).

        Args:
            share: the share of the axis that a crop keeps, (n, 1); None for whole images.
        """
        places: Array = np.broadcast_to(np.arange(size), (n, size))
        if flip:
            places = np.where(rng.random((n, 1)) < 0.5, size - 1 - places, places)
        if share is not None:
            places = share * places + rng.random((n, 1)) * (1 - share) * (size - 1)
        if self.shift:
            moved = places + rng.integers(-self.shift, self.shift + 1, (n, 1))
            places = np.clip(moved, 0, size - 1)
        return places


def _interpolated(x: Array, places: Array, axis: int) -> Array:
    """Return the values of x at places between pixels along an axis, linearly."""
    low = places.astype(np.intp)
    high = np.minimum(low + 1, x.shape[axis] - 1)
    upper = (places - low).astype(x.dtype)
    below, above = np.take_along_axis(x, low, axis), np.take_along_axis(x, high, axis)
    values: Array = below + upper * (above - below)
    return values
