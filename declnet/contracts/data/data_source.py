"""DataSource: where samples come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array, Rows, Sizes
from declnet.contracts.component import Component
from declnet.contracts.data.dataset import DataInfo, Dataset
from declnet.contracts.data.table import ColumnType, Table
from declnet.contracts.network.inputs import as_arrays, unwrapped
from declnet.contracts.plain_values import leaves
from declnet.contracts.returned import verified
from declnet.errors import RegistryError


@dataclass(frozen=True, eq=False)
class Blocks:
    """A data set in blocks of consecutive samples, for training on more data than memory holds.

    Attributes:
        sizes: the number of samples in each block, in order.
        read: returns a block by its number, from 0, without reading the others; called in any
            order, from several threads. All blocks of a table have the same columns.
        groups: for each block, the number of its group, if consecutive blocks cost little when
            they are read in sequence, as parts of what is then in memory; such blocks stay
            together when they are shuffled. Default: each block is read alone.
    """

    sizes: Sizes
    read: Callable[[int], Dataset | Table]
    groups: tuple[int, ...] = ()

    def __len__(self) -> int:
        return sum(self.sizes)

    def verified(self) -> Self:
        """Return these blocks; raise Misfit unless each has a group, or none has."""
        if len(self.groups) not in (0, len(self.sizes)):
            raise Misfit.of(self.groups, "a group for each block, or none").within("groups")
        return self

    @staticmethod
    def samples_in_block(samples: int, numbers: int, numbers_a_sample: int) -> int:
        """Return how many samples a block has that is limited as in `DataSource.blocks`."""
        return max(1, min(samples, numbers // max(1, numbers_a_sample)))


class DataSource(Component):
    """A component that describes and loads a data set.

    A source that reads files declares their `suffixes`, so that `declnet new`, `predict` and
    `evaluate` can read them too. The defaults of `for_file` and `with_target` work if the file is
    its field `path` and the target column its field `target: str | None = None`. If users can
    choose the columns to predict from, the field for them is `features`.
    """

    kind = "data_source"
    conformance_checks = "declnet.testing.checks.data_sources"
    required_methods: ClassVar[tuple[str, ...]] = ("describe", "load")

    suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the files that it reads, in lower case, e.g. `(".csv", ".csv.gz")`. If several
    sources match a file name, the longest suffix wins."""
    reads_folders: ClassVar[bool] = False
    """Whether it reads folders as well, of any name."""
    list_suffixes: ClassVar[tuple[str, ...]] = ()
    """Suffixes of tables that list its files, e.g. images by their paths. A source reads such
    a table if it `recognizes` it, or reads the training data; otherwise another source does."""
    modality: ClassVar[str | None] = None
    """What a sample is to a person, e.g. `"image"`, `"text"` or `"audio"`, for the model card; None
    for tables and arrays that may be anything."""

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also for a class that reads files, but cannot be built for one."""
        super().verify_contract()
        has_for_file = cls.for_file.__func__ is not DataSource.for_file.__func__  # type: ignore[attr-defined]
        reads_files = bool(cls.suffixes) or cls.reads_folders
        if reads_files and not has_for_file and "path" not in cls.model_fields:
            raise RegistryError(
                f"{cls.__name__} reads files, but has neither a field path nor a method for_file()"
            )

    @classmethod
    def recognizes(cls, path: Path) -> bool:  # noqa: ARG003
        """Return whether a table with one of `list_suffixes` lists its files; default: False."""
        return False

    @classmethod
    def for_file(cls, path: Path, like: Self | None = None) -> DataSource:
        """Return the source that reads a file, which need not have targets.

        Default: this class, with the file as `path` and the other fields taken from `like`.

        Args:
            path: the file, whose name ends in one of `suffixes` or `list_suffixes`, or a folder.
            like: the source of a run's training data, if it is of this class; its settings, e.g.
                a delimiter, apply to this file too. None: only the name is known.

        Raises:
            DataError: the file cannot be read by any source.
        """
        fields = (
            {} if like is None else {name: getattr(like, name) for name in like.model_fields_set}
        )
        return cls.model_validate({**fields, "path": path})

    @classmethod
    def hint_for_file(cls, path: Path) -> str | None:  # noqa: ARG003
        """Return how to declare a source of a file if its name does not suffice; default: None.

        For example, of a database, which needs a query. It is the hint where no source reads files
        of such a name.
        """
        return None

    def with_detected_format(self) -> Self:
        """Return this source with settings detected from its data, for `declnet new`.

        Default: unchanged. Settings that the user declared replace the detected ones.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        return self

    def describe(self) -> DataInfo | None:
        """Describe the data, without loading it if possible.

        Returns:
            The description; None for a table (`load` returns a `Table`), whose shapes depend on its
            preparation.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        raise NotImplementedError

    def load(self, rng: np.random.Generator) -> Dataset | Table:
        """Load the data.

        Args:
            rng: the data set's own stream; the only source of randomness to use.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        raise NotImplementedError

    def verify_load(self, data: Dataset | Table, *_: Any) -> None:
        """Raise Misfit for a table, which only a `TableSource` returns."""
        if isinstance(data, Table):
            raise Misfit("a Table", ", but a source of tables derives from TableSource")

    def chunks(self, rng: np.random.Generator, samples: int) -> Iterator[Dataset | Table]:
        """Yield the data in order, in parts of up to `samples` samples; default: `load`, split.

        All parts of a table have the same types. A source of large files reads part by part.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        data = verified(DataSource.load, self, rng)
        if isinstance(data, Dataset):
            data.require_aligned()
        yield from data.parts(samples)

    @classmethod
    def reads_blocks(cls) -> bool:
        """Return whether such sources can be read in blocks; default: if `blocks` is overridden."""
        return cls.blocks is not DataSource.blocks

    def blocks(self, samples: int, numbers: int) -> Blocks | None:  # noqa: ARG002
        """Return the data in blocks that can be read in any order; default: None, impossible.

        Override this for files that may be larger than memory: the key `data.stream` needs it.
        The division into blocks depends on the file and the limits only.

        Args:
            samples: the most samples in a block, as far as the format allows.
            numbers: the same for its numbers or cells.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        return None

    def preview(self, samples: int, numbers: int) -> Dataset | Table | None:
        """Return about the first samples, quickly; default: the first of `blocks`, if it has any.

        Errors that they show are reported before a stream is read. Override this if `blocks` takes
        a pass over the data. The types of a table's columns may be those of these rows alone.

        Args:
            samples: the most samples, as far as the format allows.
            numbers: the same for their numbers or cells.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        blocks = verified(DataSource.blocks, self, samples, numbers)
        return blocks.read(0) if blocks is not None and blocks.sizes else None

    def input_chunks(
        self, rng: np.random.Generator, samples: int
    ) -> Iterator[Rows | Mapping[str, Rows] | Table]:
        """Yield a model's inputs in parts, as `chunks` does; default: the x of `chunks`.

        Override this in sources of arrays whose files may have no targets.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        for part in verified(DataSource.chunks, self, rng, samples):
            yield part if isinstance(part, Table) else unwrapped(as_arrays(part.inputs))

    def verify_input_chunks(self, part: Array | Mapping[str, Array] | Table, *_: Any) -> None:
        """Raise Misfit unless all inputs have equally many samples."""
        if isinstance(part, Mapping) and len({*map(len, part.values())}) != 1:
            raise Misfit.of(part, "arrays of equally many samples")

    def data_files(self) -> Collection[Path]:
        """Return the files that the data is read from; default: the paths in all fields.

        A change of one of them while it is read is an error. Of files that are not among them, and
        of other storage, only changes of the samples are found, when a stream reads them again.
        """
        values = [getattr(self, name) for name in type(self).model_fields]
        return [value for _, value in leaves(values) if isinstance(value, Path)]

    def sample_names(self) -> tuple[str, ...] | None:
        """Return a name for each sample, in the order of `input_chunks`; default: None, no names.

        Override this in sources with a file for each sample: `declnet predict` writes the names.

        Raises:
            DataError: the data does not exist or cannot be read.
        """
        return None

    def with_types(self, types: Mapping[str, ColumnType]) -> Self:  # noqa: ARG002
        """Return this source with the training data's column types; default: unchanged.

        Override this for formats that do not store column types.
        """
        return self

    def with_unreadable_cells(self) -> Self:
        """Return a source in whose `input_chunks` a cell of text that cannot be read is marked.

        It is then an `UnreadableCell`, not an error, so that the other rows can be predicted.
        Default: unchanged. `as_table` marks such cells, e.g. a list among values of Python.
        """
        return self

    def with_columns(self, names: Collection[str]) -> Self:  # noqa: ARG002
        """Return this source limited to the columns that are needed; default: unchanged.

        Override this for large tables, to skip the other columns. The named columns must exist.
        """
        return self

    def with_target(self, column: str | None) -> Self:
        """Return this source with another target column; None: the file need not have one.

        Default: replaces the field `target`, if there is one, and `targets`.
        """
        fields = type(self).model_fields
        if "target" not in fields:
            return self
        others = {"targets": None} if "targets" in fields else {}
        return self.model_copy(update={"target": column, **others})

    def with_targets(self, columns: Sequence[str]) -> Self:
        """Return this source with these target columns.

        Default: replaces the field `targets`, if there is one, or `target` if it is one column.
        """
        if len(columns) == 1:
            return verified(DataSource.with_target, self, columns[0])
        if "targets" not in type(self).model_fields:
            return self
        return self.model_copy(update={"target": None, "targets": tuple(columns)})

    def without_copies(self) -> Self:
        """Return this source, whose `blocks` must keep nothing on disk; default: unchanged.

        Override this if `blocks` keeps what it has read in a file, such as `BlockFile`.
        """
        return self
