"""Arrays in the IDX format, used by MNIST."""

from math import prod
from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource
from declnet_standard.data.text_file import opened

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class IDX(DataSource):
    """Images and labels in two IDX files, plain or .gz, as MNIST's: http://yann.lecun.com/exdb/mnist.

    x: (n, 1, height, width) for files with three axes, for convolutions, otherwise unchanged;
    y: (n,).
    """

    type = "idx"
    examples = ({"x": "train-images-idx3-ubyte.gz", "y": "train-labels-idx1-ubyte.gz"},)

    x: Path = Field(description="the file of the images")
    y: Path = Field(description="the file of the labels")
    maximum_bytes: int = Field(
        default=2**32, ge=1, description="a file that is larger, once unpacked, is refused"
    )

    def describe(self) -> DataInfo:
        """Read the files."""
        return DataInfo.of(*self._arrays())

    def load(self, rng: np.random.Generator) -> Dataset:
        """Read the files; nothing is random."""
        return Dataset(*self._arrays())

    def _arrays(self) -> tuple[Array, Array]:
        x, y = self._array(self.x), self._array(self.y)
        return (x[:, None] if x.ndim == 3 else x), y.astype(np.int64) if y.dtype.kind in "iu" else y

    def _array(self, path: Path) -> Array:
        with opened(path, self.maximum_bytes) as file:
            start = file.read(4)
            if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES or not start[3]:
                raise DataError(f"{path}: is no IDX file")
            sizes = file.read(4 * start[3])
            if len(sizes) < 4 * start[3]:
                raise DataError(f"{path}: is cut off")
            shape = tuple(int(each) for each in np.frombuffer(sizes, ">u4"))
            dtype = np.dtype(_TYPES[start[2]])
            count = prod(shape)
            if count * dtype.itemsize > self.maximum_bytes:
                raise DataError(
                    f"{path}: says that it has {count} numbers, more than allowed",
                    hint="raise maximum_bytes if it should be so large",
                )
            data = file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise DataError(f"{path}: is cut off: it is shorter than its header says")
        array: Array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
        return array.reshape(shape)
