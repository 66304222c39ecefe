"""Arrays in files: NumPy's, and MNIST's IDX."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from pydantic import Field, model_validator

from declnet import (
    Array,
    Blocks,
    ColumnNames,
    DataError,
    DataInfo,
    Dataset,
    DataSource,
    Dtype,
    MappedArray,
    Shape,
    Table,
)
from declnet_plugins.standard.data.text_file import opened

LARGEST_SAMPLE = 2**28
"""Maximum number of bytes in one sample; chunked reading refuses data that claims more."""

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


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


class NPY(DataSource):
    """The arrays x (n, …) and y (n, …) of two .npy files.

    The file of x is memory-mapped and read batch by batch, so it may be larger than memory. Its
    numbers are converted to the model's type in each batch. With `inputs`, several files take the
    place of x: the model's inputs, by name.
    """

    type = "npy"
    suffixes = (".npy",)
    examples = (
        {"x": "images.npy", "y": "labels.npy"},
        {"inputs": {"image": "images.npy", "place": "places.npy"}, "y": "labels.npy"},
    )

    x: Path | None = Field(
        default=None, description="the file of the samples, as numpy.save writes it"
    )
    inputs: dict[str, Path] | None = Field(
        default=None,
        min_length=1,
        description="in place of x, a file of samples for each input of the model, by name",
    )
    y: Path = Field(description="the file of the targets")
    mapped: bool = Field(
        default=True, description="whether x stays in its file; else it is read into memory"
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write samples and labels."""
        x, y = folder / "x.npy", folder / "y.npy"
        np.save(x, np.arange(24.0).reshape(6, 2, 2))
        np.save(y, np.arange(6) % 2)
        return {"x": x, "y": y}

    @model_validator(mode="after")
    def _x_or_inputs(self) -> Self:
        if (self.x is None) == (self.inputs is None):
            what = "either x, a file of samples, or inputs, a file for each by name"
            raise ValueError(f"npy needs {what}" + ("" if self.x is None else ", not both"))
        return self

    @classmethod
    def for_file(cls, path: Path, like: Self | None = None) -> DataSource:
        """Return a source for one file, which has samples without targets."""
        return NPYInputs(path=path)

    def describe(self) -> DataInfo:
        """Read y and the headers of the inputs."""
        described = DataInfo.of(self._x(self._shaped), self._read(self.y))
        return described if not self.mapped else described.not_in_memory()

    def load(self, rng: np.random.Generator) -> Dataset:
        """Map the inputs and read y; nothing is random."""
        y = self._read(self.y)
        return Dataset(self._x(self._mapped if self.mapped else self._read), y)

    def blocks(self, samples: int, numbers: int) -> Blocks:
        """Read consecutive samples of each file."""
        x, y = self._x(self._mapped), self._mapped(self.y)
        Dataset(x, self._shaped(self.y)).require_aligned()
        arrays = [*x.values(), y] if isinstance(x, dict) else [x, y]
        size = Blocks.samples_in_block(samples, numbers, sum(prod(a.shape[1:]) for a in arrays))
        starts = range(0, len(y), size)

        def read(number: int) -> Dataset:
            part = slice(starts[number], starts[number] + size)
            samples = (
                {name: array[part] for name, array in x.items()} if isinstance(x, dict) else x[part]
            )
            return Dataset(samples, y[part])

        return Blocks(tuple(min(size, len(y) - start) for start in starts), read)

    def _x(self, read: Callable[[Path], Any]) -> Any:
        """Return x, or each of the inputs by name."""
        if self.x is not None:
            return read(self.x)
        return {name: read(path) for name, path in (self.inputs or {}).items()}

    def _shaped(self, path: Path) -> Array:
        """Return an array of the type and shape of the one in a file, without its numbers."""
        shape, _, dtype, _ = _header(path)
        return np.broadcast_to(np.zeros((), dtype), shape)

    def _mapped(self, path: Path) -> MappedArray:
        shape, fortran, dtype, offset = _header(path)
        if fortran or not shape:
            raise DataError(
                f"{path}: only arrays in C order can be mapped",
                hint="save numpy.ascontiguousarray(x), or set mapped = false",
            )
        try:
            return MappedArray(path, offset, shape, dtype)
        except OSError as error:
            raise missing(path, error) from None
        except ValueError:
            raise self._short(path) from None

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
        """Raise an error, since the file has no targets."""
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


class NPZ(DataSource):
    """The arrays `x` (n, …) and `y` (n, …) of an .npz file; pickled objects are refused.

    With `inputs`, several arrays (n, …) take the place of `x`: the model's inputs, by their names.
    With `targets`, several take the place of `y`.
    """

    type = "npz"
    suffixes = (".npz",)
    examples = (
        {"path": "points.npz"},
        {"path": "songs.npz", "inputs": ["notes", "tempo"], "targets": ["genre", "year"]},
    )

    path: Path = Field(description="the file, as numpy.savez writes it")
    inputs: ColumnNames | None = Field(
        default=None,
        description="the arrays that are the inputs of the model; default: one input, x",
    )
    targets: ColumnNames | None = Field(
        default=None,
        description="the arrays that are the targets, each of a loss of its name; default: one "
        "target, y",
    )
    maximum_bytes: int = Field(
        default=2**33, ge=1, description="size limit of each array in bytes, after decompression"
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write samples and labels."""
        path = folder / "points.npz"
        np.savez(path, x=np.arange(24.0).reshape(6, 2, 2), y=np.arange(6) % 2)
        return {"path": path}

    def describe(self) -> DataInfo:
        """Read y and the headers of the inputs."""
        with self._archive() as archive:
            return DataInfo.of(self._inputs(self._shaped, archive), self._targets(archive))

    def load(self, rng: np.random.Generator) -> Dataset:
        """Read the arrays; nothing is random."""
        with self._archive() as archive:
            return Dataset(self._inputs(self._array, archive), self._targets(archive))

    def input_chunks(
        self, rng: np.random.Generator, samples: int
    ) -> Iterator[Array | Mapping[str, Array] | Table]:
        """Read only the inputs, in chunks, whatever their size."""
        with self._archive() as archive, ExitStack() as stack:
            names = self.inputs or ("x",)
            chunks = []
            for name in names:
                file = stack.enter_context(self._member(archive, name, whole=False))
                chunks.append(read_chunks(file, f"{self.path}: the array {name}", samples))
            for parts in zip_longest(*chunks):
                if len({0 if part is None else len(part) for part in parts}) > 1:
                    raise DataError(f"{self.path}: its inputs have different numbers of samples")
                yield parts[0] if self.inputs is None else dict(zip(names, parts, strict=True))

    def _inputs(
        self, read: Callable[[zipfile.ZipFile, str], Array], archive: zipfile.ZipFile
    ) -> Array | dict[str, Array]:
        """Return x, or each of the inputs by name."""
        if self.inputs is None:
            return read(archive, "x")
        return {name: read(archive, name) for name in self.inputs}

    def _targets(self, archive: zipfile.ZipFile) -> Array | dict[str, Array]:
        """Return y, or each of the targets by name."""
        if self.targets is None:
            return self._array(archive, "y")
        return {name: self._array(archive, name) for name in self.targets}

    def _shaped(self, archive: zipfile.ZipFile, name: str) -> Array:
        """Return an array of the type and shape of one in the archive, without its numbers."""
        with self._member(archive, name) as file:
            shape, _, dtype = read_header(file, f"{self.path}: the array {name}")
        return np.broadcast_to(np.zeros((), dtype), shape)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with self.path.open("rb") as file:
                single = file.read(6) == np.lib.format.MAGIC_PREFIX
                if single:
                    message = f"{self.path}: one array; an .npz archive with x and y is needed"
                    raise DataError(message, hint="the source npy reads single arrays")
                file.seek(0)
                try:
                    archive = zipfile.ZipFile(file)
                except Exception:  # the parser can raise anything on other files
                    raise DataError(f"{self.path}: not an .npz archive") from None
                with archive:
                    yield archive
        except OSError as error:
            raise missing(self.path, error) from None

    def _member(self, archive: zipfile.ZipFile, name: str, whole: bool = True) -> IO[bytes]:
        """Open an array's file in the archive, unless it is too large to be read whole."""
        names = [member.removesuffix(".npy") for member in archive.namelist()]
        if name not in names:
            listed = ", ".join(names) or "none"
            close = get_close_matches(name, names, n=1)
            hint = f'did you mean "{close[0]}"?' if close else None
            raise DataError(
                f"{self.path}: it has no array {name} (its arrays: {listed})", hint=hint
            )
        member = archive.infolist()[names.index(name)]
        if whole and member.file_size > self.maximum_bytes:
            raise DataError(
                f"{self.path}: the array {name} unpacks to {member.file_size} bytes, more than "
                f"{self.maximum_bytes}",
                hint="raise maximum_bytes if this size is intended",
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
        default=2**32, ge=1, description="size limit of each file in bytes, after decompression"
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Write three images of 2 x 2 pixels, and their labels."""
        x, y = folder / "images-idx3-ubyte", folder / "labels-idx1-ubyte"
        x.write_bytes(b"\0\0\x08\3" + np.array([3, 2, 2], ">u4").tobytes() + bytes(range(12)))
        y.write_bytes(b"\0\0\x08\1" + np.array([3], ">u4").tobytes() + bytes([0, 1, 1]))
        return {"x": x, "y": y}

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
                raise DataError(f"{path}: not a valid IDX file")
            sizes = file.read(4 * start[3])
            if len(sizes) < 4 * start[3]:
                raise DataError(f"{path}: is cut off")
            shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
            dtype = np.dtype(_TYPES[start[2]])
            count = prod(shape)
            if count * dtype.itemsize > self.maximum_bytes:
                raise DataError(
                    f"{path}: says that it has {count} numbers, more than allowed",
                    hint="raise maximum_bytes if this size is intended",
                )
            data = file.read(count * dtype.itemsize)
        if len(data) < count * dtype.itemsize:
            raise DataError(f"{path}: is cut off: it is shorter than its header says")
        array: Array = np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))
        return array.reshape(shape)
