"""Normalization of images."""

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

    maximum: float = Field(default=255.0, gt=0, description="what becomes 1")
    mean: tuple[float, ...] | None = Field(
        default=None, min_length=1, description="of each channel, of numbers from 0 to 1"
    )
    std: tuple[float, ...] | None = Field(
        default=None, min_length=1, description="of each channel; greater than 0"
    )

    @model_validator(mode="after")
    def _fit_each_other(self) -> Self:
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("each std must be greater than 0")
        if self.mean and self.std and len(self.mean) != len(self.std):
            raise ValueError("mean and std must have an item for each channel, so as many each")
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the data is a numeric array, with as many channels as mean and std."""
        numbers = column.dtype.kind in "fiu" and column.ndim > 1
        channels = max(len(each or ()) for each in (self.mean, self.std))
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

    def _by_channel(self, figures: tuple[float, ...], y: Array) -> Array:
        if len(figures) == 1:
            return np.asarray(figures[0], y.dtype)
        if y.ndim != 4 or y.shape[1] != len(figures):
            raise ColumnError(
                f"has samples of shape {y.shape[1:]}, no images of {len(figures)} channels",
                hint="give one mean and std for all, or an item for each channel",
            )
        return np.asarray(figures, y.dtype)[:, None, None]
