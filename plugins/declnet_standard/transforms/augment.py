"""Augmentation of images."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from declnet import Array, Transform


class Augment(Transform):
    """Flips and shifts the images of each training batch at random; other data stays as it is.

    x: (n, channels, height, width). Each image is flipped with probability one half and
    shifted by some pixels, all directions being equally likely; its edge fills the gap.
    """

    type = "augment"
    examples = ({"flip": True, "shift": 2}, {"flip_vertically": True})
    training_only = True

    flip: bool = Field(default=False, description="whether images are flipped left to right")
    flip_vertically: bool = Field(default=False, description="whether they are turned upside down")
    shift: int = Field(default=0, ge=0, description="pixels that they are moved by at most")

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.flip or self.flip_vertically or self.shift):
            raise ValueError("it changes nothing: give flip, flip_vertically or shift")
        return self

    def suits(self, column: Array) -> bool:
        """Return whether the data is images larger than the shift."""
        return column.ndim == 4 and min(column.shape[2:]) > self.shift

    def vary(self, x: Array, rng: np.random.Generator) -> None:
        """Return the images with their pixels flipped and shifted."""
        n, channels, height, width = x.shape
        rows = self._places(n, height, self.flip_vertically, rng)
        columns = self._places(n, width, self.flip, rng)
        samples = np.arange(n)[:, None, None, None]
        every = np.arange(channels)[:, None, None]
        x[...] = x[samples, every, rows[:, None, :, None], columns[:, None, None, :]]

    def _places(self, n: int, size: int, flip: bool, rng: np.random.Generator) -> Array:
        """Return the source position of each pixel along one axis, per image, (n, size)."""
        places = np.broadcast_to(np.arange(size), (n, size))
        if flip:
            places = np.where(rng.random((n, 1)) < 0.5, size - 1 - places, places)
        if self.shift:
            moved = places + rng.integers(-self.shift, self.shift + 1, (n, 1))
            places = np.clip(moved, 0, size - 1)
        return places
