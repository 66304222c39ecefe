"""DataSource: where samples come from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.components.columns import ColumnType
from declnet.components.component import Component
from declnet.components.mapped_array import MappedArray
from declnet.components.table import Table
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
        in_memory: whether x will be in memory as a whole, not in a file that is read by and by.
    """

    sample_shape: Shape
    dtype: Literal["float", "integer"] = "float"
    target: Literal["classes", "values"] = "values"
    target_shape: Shape = ()
    classes: int | None = None
    samples: int | None = None
    labels: tuple[int, int] | None = None
    in_memory: bool = True

    @classmethod
    def of(cls, x: Array | MappedArray, y: Array) -> DataInfo:
        """Describes arrays that are there; raises DataError if they have no sample axis."""
        for name, axes in (("x", x.ndim), ("y", y.ndim)):
            if axes == 0:
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
            in_memory=not isinstance(x, MappedArray),
        )

    def not_in_memory(self) -> DataInfo:
        """The same of data that stays in its file."""
        return replace(self, in_memory=False)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and what they should give.

    Attributes:
        x: (n, *sample shape), floats or integers; in memory, or mapped from a file.
        y: (n, …): labels (n,), one-hot rows (n, classes) or values.
        weights: (n,), at least 0: how much each sample counts in the loss; default: all alike.
        feature_names: a name for each number of a sample (d,), where they are known.
        class_names: of the labels 0, 1, 2, …, where they are known.
    """

    x: Array | MappedArray
    y: Array
    weights: Array | None = None
    feature_names: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, positions: Array) -> Dataset:
        """The samples at some positions."""
        weights = None if self.weights is None else self.weights[positions]
        x = self.x
        x = x.subset(positions) if isinstance(x, MappedArray) else x[positions]
        return replace(self, x=x, y=self.y[positions], weights=weights)


class DataSource(Component):
    """Describes and loads a data set."""

    kind = "data_source"
    required_methods = ("describe", "load")

    def describe(self) -> DataInfo | None:
        """What the data will be; without loading it where that is possible.

        Returns:
            None if it is a table (`load` gives `Table`), whose shapes its preparation decides.

        Raises:
            DataError: the data is not there or cannot be read.
        """
        raise NotImplementedError

    def load(self, rng: np.random.Generator) -> Dataset | Table:
        """The data.

        Args:
            rng: the data set's own stream; the only source of randomness to use.

        Raises:
            DataError: the data is not there or cannot be read.
        """
        raise NotImplementedError

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """The data in parts of up to `samples` samples, in order; default: what `load` gives, cut.

        Tables give parts of the same types; a source of large files reads them one by one.

        Raises:
            DataError: the data is not there or cannot be read.
        """
        data = self.load(rng)
        for start in range(0, len(data), samples):
            yield data.take(np.arange(start, min(start + samples, len(data))))

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:  # noqa: ARG002
        """This source, its columns read as the training data's; default: as it is.

        Of use to formats that do not say which type a column has.
        """
        return self

    def with_columns(self, names: Collection[str]) -> Self:  # noqa: ARG002
        """This source, of whose columns only these are needed; default: as it is.

        Of use to large tables: what is not needed is not read.
        """
        return self
