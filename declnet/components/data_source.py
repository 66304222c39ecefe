"""DataSource: where samples come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.component import Component
from declnet.errors import DataError


@dataclass(frozen=True)
class DataInfo:
    """What is known of a data set before it is loaded.

    Attributes:
        sample_shape: the shape of one sample of x.
        dtype: whether x holds floats or integers.
        target: `"classes"` if y is one integer a sample, `"values"` otherwise.
        target_shape: the shape of one sample of y; `()` for one number a sample.
        classes: for `"classes"`: how many (labels are 0 to classes - 1); None if not known.
        samples: how many; None if not known.
        labels: for `"classes"`: the smallest and the largest; None if not known.
    """

    sample_shape: Shape
    dtype: Literal["float", "integer"] = "float"
    target: Literal["classes", "values"] = "values"
    target_shape: Shape = ()
    classes: int | None = None
    samples: int | None = None
    labels: tuple[int, int] | None = None

    @classmethod
    def of(cls, x: Array, y: Array) -> DataInfo:
        """Describes arrays that are there; raises DataError if they have no sample axis."""
        for name, array in (("x", x), ("y", y)):
            if array.ndim == 0:
                raise DataError(f"{name} is a single number; its first axis must be samples")
        labels = y.dtype.kind in "iub" and (y.ndim == 1 or y.shape[1:] == (1,))
        return cls(
            sample_shape=x.shape[1:],
            dtype="integer" if x.dtype.kind in "iub" else "float",
            target="classes" if labels else "values",
            target_shape=() if labels else y.shape[1:],
            classes=int(y.max()) + 1 if labels and y.size else None,
            samples=len(x),
            labels=(int(y.min()), int(y.max())) if labels and y.size else None,
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and what they should give.

    Attributes:
        x: (n, *sample shape), floats or integers.
        y: (n, …): labels (n,), one-hot rows (n, classes) or values.
    """

    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)


class DataSource(Component):
    """Describes and loads a data set."""

    kind = "data_source"
    required_methods = ("describe", "load")

    def describe(self) -> DataInfo:
        """What the data will be; without loading it where that is possible.

        Raises:
            DataError: the data is not there or cannot be read.
        """
        raise NotImplementedError

    def load(self, rng: np.random.Generator) -> Dataset:
        """The data.

        Args:
            rng: the data set's own stream; the only source of randomness to use.

        Raises:
            DataError: the data is not there or cannot be read.
        """
        raise NotImplementedError
