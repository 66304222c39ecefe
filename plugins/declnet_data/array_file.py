"""Reads .npy data: its header, and what may be wrong with it."""

from pathlib import Path
from typing import IO, Any

import numpy as np

from declnet import DataError, Dtype, Shape


def read_header(file: IO[bytes], name: str) -> tuple[Shape, bool, Dtype]:
    """Shape, whether in Fortran order, and type of the array that a file holds.

    Args:
        file: at the start of the data; afterwards at its first number.
        name: of the array, for messages.

    Raises:
        DataError: it is no .npy data, or holds pickled objects.
    """
    try:
        version = np.lib.format.read_magic(file)
        read: Any = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(file)
    except Exception:  # whatever the parser of data that is none ran into
        raise DataError(f"{name} is no .npy data, or is damaged") from None
    if dtype.hasobject:
        raise DataError(f"{name} holds pickled objects, which are never loaded")
    return tuple(shape), bool(fortran), dtype


def missing(path: Path, error: OSError) -> DataError:
    """The error of a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: there is no such file")
    return DataError(f"{path}: cannot be read: {error.strerror}")
