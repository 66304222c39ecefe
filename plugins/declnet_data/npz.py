"""Arrays in a NumPy archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydantic import Field

from declnet import Array, DataError, DataInfo, Dataset, DataSource


class NPZ(DataSource):
    """The arrays `x` (n, …) and `y` (n, …) of an .npz file; pickled objects are refused."""

    type = "npz"

    path: Path = Field(description="the file, as numpy.savez writes it")

    def describe(self) -> DataInfo:
        """Reads the arrays: their headers alone do not say how many classes there are."""
        return DataInfo.of(*self._arrays())

    def load(self, rng: np.random.Generator) -> Dataset:
        """Reads the arrays; nothing is random."""
        return Dataset(*self._arrays())

    def _arrays(self) -> tuple[Array, Array]:
        with self._archive() as archive:
            return self._array(archive, "x"), self._array(archive, "y")

    @contextmanager
    def _archive(self) -> Iterator[np.lib.npyio.NpzFile]:
        """Opens the file here, since np.load leaves one that is no archive open."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            raise DataError(f"{self.path}: there is no such file") from None
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error.strerror}") from None
        with file:
            try:
                archive = np.load(file, allow_pickle=False)
            except Exception:  # whatever the parser of a file that is no archive ran into
                raise DataError(f"{self.path}: not an .npz archive") from None
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{self.path}: one array; an .npz archive with x and y is needed")
            with archive:
                yield archive

    def _array(self, archive: np.lib.npyio.NpzFile, name: str) -> Array:
        if name not in archive:
            found = ", ".join(archive.files) or "none"
            raise DataError(f"{self.path}: it has no array {name} (its arrays: {found})")
        try:
            array: Array = archive[name]
        except Exception as error:  # a damaged archive raises whatever its parser ran into
            pickled = "allow_pickle" in str(error)
            cause = "holds pickled objects, which are never loaded" if pickled else "is damaged"
            raise DataError(f"{self.path}: the array {name} {cause}") from None
        return array
