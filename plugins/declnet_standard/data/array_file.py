"""Reading and validation of .npy data: the header, and samples in chunks."""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from declnet import Array, DataError, Dtype, Shape

LARGEST_SAMPLE = 2**28
"""Most bytes in one sample; chunked reading refuses data that claims more."""


def read_header(file: IO[bytes], name: str) -> tuple[Shape, bool, Dtype]:
    """Return the shape, Fortran order flag and dtype of the array in a file.

    Args:
        file: positioned at the start of the data; afterwards at its first number.
        name: the array's name, for messages.

    Raises:
        DataError: the file is not .npy data, or holds pickled objects.
    """
    try:
        version = np.lib.format.read_magic(file)
        read: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(file)
    except Exception:  # the parser can raise anything on other data
        raise DataError(f"{name} is not NumPy data, or is damaged") from None
    if dtype.hasobject:
        raise DataError(f"{name} holds pickled objects, which are never loaded")
    return tuple(shape), bool(fortran), dtype


def read_chunks(file: IO[bytes], name: str, samples: int) -> Iterator[Array]:
    """Yield the array in a file in chunks of up to `samples` samples, in constant memory.

    Args:
        file: positioned at the start of the data.
        name: the array's name, for messages.
        samples: the most samples in a chunk.

    Raises:
        DataError: the file is not .npy data, is damaged, or cannot be read sample by sample.
    """
    shape, fortran, dtype = read_header(file, name)
    if dtype.kind not in "fiub":
        raise DataError(f"{name} holds {dtype}, not numbers")
    if not shape:
        raise DataError(f"{name} is a single number; its first axis must be samples")
    if fortran and len(shape) > 1:
        raise DataError(
            f"{name} is in Fortran order, which cannot be read sample by sample",
            hint="save numpy.ascontiguousarray(x)",
        )
    size = prod(shape[1:]) * dtype.itemsize
    if size > LARGEST_SAMPLE:
        raise DataError(f"{name}: a sample of shape {shape[1:]} takes {size} bytes")
    samples = max(1, min(samples, LARGEST_SAMPLE // max(size, 1)))
    for start in range(0, shape[0], samples):
        count = min(samples, shape[0] - start)
        try:
            data = file.read(count * size)
        except Exception:  # the parser can raise anything on a damaged archive
            raise DataError(f"{name} is damaged") from None
        if len(data) < count * size:
            raise DataError(f"{name} is cut off within sample {start + len(data) // size}")
        yield np.frombuffer(data, dtype).reshape(count, *shape[1:])


def missing(path: Path, error: OSError) -> DataError:
    """Return the error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: there is no such file")
    return DataError(f"{path}: cannot be read: {error.strerror}")
