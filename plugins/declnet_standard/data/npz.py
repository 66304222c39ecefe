"""Arrays in a NumPy archive."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource, Table
from declnet_standard.data.array_file import missing, read_chunks, read_header


class NPZ(DataSource):
    """The arrays `x` (n, …) and `y` (n, …) of an .npz file; pickled objects are refused."""

    type = "npz"
    suffixes = (".npz",)

    path: Path = Field(description="the file, as numpy.savez writes it")
    maximum_bytes: int = Field(
        default=2**33, ge=1, description="arrays that are larger, once unpacked, are refused"
    )

    def describe(self) -> DataInfo:
        """Read y and the header of x."""
        with self._archive() as archive, self._member(archive, "x") as file:
            shape, _, dtype = read_header(file, f"{self.path}: the array x")
            x = np.broadcast_to(np.zeros((), dtype), shape)
            return DataInfo.of(x, self._array(archive, "y"))

    def load(self, rng: np.random.Generator) -> Dataset:
        """Read the arrays; nothing is random."""
        with self._archive() as archive:
            return Dataset(self._array(archive, "x"), self._array(archive, "y"))

    def input_chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Array | Table]:
        """Read only x, in chunks, whatever its size."""
        with self._archive() as archive, self._member(archive, "x", whole=False) as file:
            yield from read_chunks(file, f"{self.path}: the array x", samples)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with self.path.open("rb") as file:
                single = file.read(6) == np.lib.format.MAGIC_PREFIX
                if single:
                    message = f"{self.path}: one array; an .npz archive with x and y is needed"
                    raise DataError(message, hint="the source npy reads single arrays")
                file.seek(0)
                with self._unpacked(file) as archive:
                    yield archive
        except OSError as error:
            raise missing(self.path, error) from None

    @contextmanager
    def _unpacked(self, file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
        try:
            archive = zipfile.ZipFile(file)
        except Exception:  # the parser can raise anything on other files
            raise DataError(f"{self.path}: not an .npz archive") from None
        with archive:
            yield archive

    def _member(self, archive: zipfile.ZipFile, name: str, whole: bool = True) -> IO[bytes]:
        """Open an array's file in the archive, unless it is too large to be read whole."""
        names = [each.removesuffix(".npy") for each in archive.namelist()]
        if name not in names:
            found = ", ".join(names) or "none"
            raise DataError(f"{self.path}: it has no array {name} (its arrays: {found})")
        member = archive.infolist()[names.index(name)]
        if whole and member.file_size > self.maximum_bytes:
            raise DataError(
                f"{self.path}: the array {name} unpacks to {member.file_size} bytes, more than "
                f"{self.maximum_bytes}",
                hint="raise maximum_bytes if it should be so large",
            )
        try:
            return archive.open(member)
        except Exception:  # the parser can raise anything on a damaged archive
            raise self._damaged(name) from None

    def _array(self, archive: zipfile.ZipFile, name: str) -> Array:
        with self._member(archive, name) as file:
            shape, fortran, dtype = read_header(file, f"{self.path}: the array {name}")
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            try:
                data = file.read(size + 1)  # also verifies the checksum at the end
            except Exception:
                raise self._damaged(name) from None
            if len(data) != size or not dtype.itemsize:
                raise self._damaged(name)
            array: Array = np.frombuffer(bytearray(data), dtype)
            return array.reshape(shape, order="F" if fortran else "C")

    def _damaged(self, name: str) -> DataError:
        return DataError(f"{self.path}: the array {name} is damaged")
