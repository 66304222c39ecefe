"""Reads the samples of a NumPy file part by part, in constant memory; pickles are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from declnet.components.arrays import Array
from declnet.errors import DataError

LARGEST_SAMPLE = 2**28
"""Bytes of one sample; a file that claims more is refused."""


def array_chunks(path: Path, samples: int) -> Iterator[Array]:
    """The array of an .npy file, or `x` of an .npz file, in parts of up to `samples` samples.

    Raises:
        DataError: the file is not there, is damaged, or holds Python objects.
    """
    with _opened(path) as file:
        try:
            shape, fortran, dtype = _header(file)
        except Exception as error:  # a damaged file raises whatever its parser ran into
            raise DataError(f"{path}: is no NumPy file, or is damaged ({_line(error)})") from None
        if dtype.hasobject:
            raise DataError(f"{path}: holds Python objects, which are never loaded")
        if dtype.kind not in "fiub":
            raise DataError(f"{path}: holds {dtype}, no numbers")
        if not shape:
            raise DataError(f"{path}: holds a single number; its first axis must be samples")
        if fortran and len(shape) > 1:
            raise DataError(
                f"{path}: is in Fortran order, which cannot be read sample by sample",
                hint="save numpy.ascontiguousarray(x)",
            )
        yield from _parts(file, shape, dtype, samples, path)


def _parts(
    file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[np.generic], samples: int, path: Path
) -> Iterator[Array]:
    size = prod(shape[1:]) * dtype.itemsize
    if size > LARGEST_SAMPLE:
        raise DataError(f"{path}: a sample of shape {shape[1:]} takes {size} bytes")
    samples = max(1, min(samples, LARGEST_SAMPLE // max(size, 1)))
    for start in range(0, shape[0], samples):
        count = min(samples, shape[0] - start)
        try:
            data = file.read(count * size)
        except Exception as error:  # as above
            raise DataError(f"{path}: is damaged ({_line(error)})") from None
        if len(data) < count * size:
            raise DataError(f"{path}: is cut off: sample {start + len(data) // size} is not whole")
        yield np.frombuffer(data, dtype).reshape(count, *shape[1:])


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                yield file
            return
        with _archive(path) as archive:
            if "x.npy" not in archive.namelist():
                found = ", ".join(each.removesuffix(".npy") for each in archive.namelist())
                raise DataError(f"{path}: it has no array x (its arrays: {found or 'none'})")
            with _member(archive, path) as member:
                yield member
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError:
        raise
    except Exception:  # whatever the parser of a file that is no archive ran into
        raise DataError(f"{path}: is no .npz archive, or is cut off") from None


def _member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    try:
        return archive.open("x.npy")
    except Exception as error:  # it may be encrypted, or packed in a way that Python cannot undo
        raise DataError(f"{path}: is damaged ({_line(error)})") from None


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
