"""Arrays in NumPy files, which may be larger than memory."""

from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource, Dtype, MappedArray, Shape
from declnet_data.array_file import missing, read_header


class NPY(DataSource):
    """The arrays x (n, …) and y (n, …) of two .npy files.

    The file of x is mapped: each batch is read from it when its turn comes, so it may be larger
    than memory. Its numbers are converted to the model's type batch by batch.
    """

    type = "npy"
    examples = ({"x": "images.npy", "y": "labels.npy"},)

    x: Path = Field(description="the file of the samples, as numpy.save writes it")
    y: Path = Field(description="the file of the targets")
    mapped: bool = Field(
        default=True, description="whether x stays in its file; else it is read into memory"
    )

    def describe(self) -> DataInfo:
        """Reads y, and of x the header alone."""
        shape, _, dtype, _ = self._header(self.x)
        described = DataInfo.of(np.broadcast_to(np.zeros((), dtype), shape), self._read(self.y))
        return described if not self.mapped else described.not_in_memory()

    def load(self, rng: np.random.Generator) -> Dataset:
        """Maps x and reads y; nothing is random."""
        y = self._read(self.y)
        if not self.mapped:
            return Dataset(self._read(self.x), y)
        shape, fortran, dtype, offset = self._header(self.x)
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

    def _header(self, path: Path) -> tuple[Shape, bool, Dtype, int]:
        try:
            with path.open("rb") as file:
                shape, fortran, dtype = read_header(file, f"{path}: the file")
                return shape, fortran, dtype, file.tell()
        except OSError as error:
            raise missing(path, error) from None

    def _read(self, path: Path) -> Array:
        shape, fortran, dtype, offset = self._header(path)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if path.stat().st_size < offset + size:
            raise self._short(path)
        array: Array = np.fromfile(path, dtype, size // max(dtype.itemsize, 1), offset=offset)
        return array.reshape(shape, order="F" if fortran else "C")

    def _short(self, path: Path) -> DataError:
        return DataError(f"{path}: is cut off: it is shorter than its header says")
