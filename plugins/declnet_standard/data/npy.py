"""Arrays in NumPy files, which may be larger than memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field

from declnet import (
    Array,
    DataError,
    DataInfo,
    Dataset,
    DataSource,
    Dtype,
    MappedArray,
    Shape,
    Table,
)
from declnet_standard.data.array_file import missing, read_chunks, read_header


class NPY(DataSource):
    """The arrays x (n, …) and y (n, …) of two .npy files.

    The file of x is memory-mapped and read batch by batch, so it may be larger than memory. Its
    numbers are converted to the model's type in each batch.
    """

    type = "npy"
    suffixes = (".npy",)
    examples = ({"x": "images.npy", "y": "labels.npy"},)

    x: Path = Field(description="the file of the samples, as numpy.save writes it")
    y: Path = Field(description="the file of the targets")
    mapped: bool = Field(
        default=True, description="whether x stays in its file; else it is read into memory"
    )

    @classmethod
    def for_file(cls, path: Path, like: Self | None = None) -> DataSource:
        """Return a source for one file, which has samples without targets."""
        return NPYInputs(path=path)

    def describe(self) -> DataInfo:
        """Read y and the header of x."""
        shape, _, dtype, _ = _header(self.x)
        described = DataInfo.of(np.broadcast_to(np.zeros((), dtype), shape), self._read(self.y))
        return described if not self.mapped else described.not_in_memory()

    def load(self, rng: np.random.Generator) -> Dataset:
        """Map x and read y; nothing is random."""
        y = self._read(self.y)
        if not self.mapped:
            return Dataset(self._read(self.x), y)
        shape, fortran, dtype, offset = _header(self.x)
        if fortran or not shape:
            raise DataError(
                f"{self.x}: only arrays in C order can be mapped",
                hint="save numpy.ascontiguousarray(x), or take mapped = false",
            )
        try:
            return Dataset(MappedArray(self.x, offset, shape, dtype), y)
        except OSError as error:
            raise missing(self.x, error) from None
        except ValueError:
            raise self._short(self.x) from None

    def _read(self, path: Path) -> Array:
        shape, fortran, dtype, offset = _header(path)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if path.stat().st_size < offset + size:
            raise self._short(path)
        array: Array = np.fromfile(path, dtype, size // max(dtype.itemsize, 1), offset=offset)
        return array.reshape(shape, order="F" if fortran else "C")

    def _short(self, path: Path) -> DataError:
        return DataError(f"{path}: is cut off: it is shorter than its header says")


class NPYInputs(DataSource):
    """The samples of one .npy file, to predict from; a spec names `NPY`."""

    type = "npy"

    path: Path = Field(description="the file of the samples")

    def describe(self) -> DataInfo:
        """Read the header."""
        shape, _, dtype, _ = _header(self.path)
        x = np.broadcast_to(np.zeros((), dtype), shape)
        return DataInfo.of(x, np.zeros(len(x)) if shape else x)

    def load(self, rng: np.random.Generator) -> Dataset:
        """Raise an error, as there are no targets."""
        raise DataError(
            f"{self.path}: holds inputs alone, without targets",
            hint="an .npz archive holds both, as x and y",
        )

    def input_chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Array | Table]:
        """Read the file in chunks."""
        try:
            with self.path.open("rb") as file:
                yield from read_chunks(file, f"{self.path}: the file", samples)
        except OSError as error:
            raise missing(self.path, error) from None


def _header(path: Path) -> tuple[Shape, bool, Dtype, int]:
    try:
        with path.open("rb") as file:
            shape, fortran, dtype = read_header(file, f"{path}: the file")
            return shape, fortran, dtype, file.tell()
    except OSError as error:
        raise missing(path, error) from None
