"""Data sources read in blocks: the data set of each sample, and a survey of all of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import Blocks, DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import ColumnType, Table, missing_values
from declnet.contracts.returned import BrokenContractError, verified, verify_as
from declnet.data.blocks import read_ahead
from declnet.data.columns import labels_of
from declnet.data.reservoir import Reservoir
from declnet.data.sources.held_files import HeldFiles
from declnet.data.sources.loading import checked_data
from declnet.data.splits import (
    NAMES,
    Data,
    column_to_split_by,
    distinct,
    held_out_count,
    positions_by_column,
)
from declnet.display.words import alternatives
from declnet.errors import ChangedFileError, DataError
from declnet.registry.discovery import default_registry
from declnet.spec.data_section import DataSpec, SplitSpec
from declnet.spec.streams import Stream, random_stream

BLOCK_NUMBERS = 2**20
"""Maximum number of elements in a block, if its format allows."""

BLOCKS_IN_WINDOW = 8
"""Blocks in a window that the spec sizes, at least, so that it mixes distant samples."""


def position_chances(positions: Array, seed: int, stream: Stream) -> Array:
    """Return a random number in [0, 1) for each position (n,), independent of the others.

    They are the outputs of SplitMix64 (Steele, Lea and Flood 2014) with the stream's own start.
    """
    start = random_stream(seed, stream).integers(2**64, dtype=np.uint64)
    return _chances(start + positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _chances(bits: Array) -> Array:
    """Return mixed bits, uint64 (n,), as numbers in [0, 1)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    mixed: Array = (bits ^ (bits >> np.uint64(31))) >> np.uint64(11)
    return mixed * 2.0**-53


@dataclass(frozen=True, eq=False)
class StreamedSource:
    """A data source in blocks, whose samples may belong to several data sets.

    The first pass over all blocks decides what each of them holds; later ones must read the same.

    Attributes:
        name: the data set that it is the source of.
        files: the source's files since before its blocks were found.
        shares: the fractions to hold out, by data set.
        split: how they are held out; None if all samples are of one data set.
    """

    name: str
    source: DataSource
    blocks: Blocks
    files: HeldFiles
    seed: int
    shares: Mapping[str, float] = field(default_factory=dict)
    split: SplitSpec | None = None
    _digests: dict[int, dict[str, bytes]] = field(default_factory=dict)

    @classmethod
    def opened(
        cls, name: str, spec: DataSpec, seed: int, types: Mapping[str, ColumnType] | None = None
    ) -> StreamedSource:
        """Open the source of a data set.

        Args:
            types: the types of the training data's columns.

        Raises:
            DataError: the source cannot be read in blocks, or not at all.
        """
        source = spec.sources[name]
        source = source if types is None else verified(DataSource.with_types, source, types)
        if spec.stream is not None and not spec.stream.cache:
            source = verified(DataSource.without_copies, source)
        window = spec.stream.window if spec.stream is not None else None
        samples = max(1, window // BLOCKS_IN_WINDOW) if window is not None else BLOCK_NUMBERS
        files = HeldFiles(source, ("data", name))
        survey = ChangedFileError.during("the survey")
        with survey, files.unchanged(untouched=True), _from(name):
            blocks = verified(DataSource.blocks, source, samples, BLOCK_NUMBERS)
        if blocks is None:
            raise _no_blocks(name, source)
        if not len(blocks):
            raise DataError(f"{name} data: there are no rows", path=("data", name), code="E031")
        by_column = spec.split.method == "column"
        split = spec.split if name == "train" and (spec.fractions or by_column) else None
        return cls(name, source, blocks, files, seed, spec.fractions, split)

    @staticmethod
    def previewed(name: str, source: DataSource, samples: int) -> Data:
        """Return about the first samples of a data set's source.

        Raises:
            DataError: the source cannot be read in blocks, or not at all.
        """
        with ChangedFileError.during("a preview"), _from(name):
            data = verified(DataSource.preview, source, samples, BLOCK_NUMBERS)
            if data is None:
                raise _no_blocks(name, source)
            return checked_data(data, name)

    @cached_property
    def _starts(self) -> Array:
        return np.cumsum([0, *self.blocks.sizes])

    def in_order(self) -> Iterator[dict[str, Data]]:
        """Yield what `read` returns for each block."""
        return read_ahead(self.read, range(len(self.blocks.sizes)))

    def fingerprint(self, name: str) -> str:
        """Return `sha256:…` of a data set's samples before their preparation, once all are read."""
        digests = (self._digests[number] for number in range(len(self.blocks.sizes)))
        joined = b"".join(of_block[name] for of_block in digests if name in of_block)
        return f"sha256:{hashlib.sha256(joined).hexdigest()}"

    def read(self, number: int) -> dict[str, Data]:
        """Return the samples of a block by data set; rows of a table have their numbers.

        Raises:
            ChangedFileError: a file changed, or the samples are not those read before.
            DataError: the block cannot be read.
        """
        is_first = len(self._digests) < len(self.blocks.sizes)
        with self.files.unchanged(untouched=is_first):
            data = self._divided(number)
        digests = {name: digest_of(samples) for name, samples in data.items()}
        if self._digests.setdefault(number, digests) != digests:
            raise self.files.changed()
        return data

    def _divided(self, number: int) -> dict[str, Data]:
        """Return the samples of a block by data set."""
        with _from(self.name):
            data = verify_as(Dataset | Table, self.source, "blocks", self.blocks.read(number))
            if len(data) != self.blocks.sizes[number]:
                fault = f"gives {len(data)} samples in block {number}, not as announced"
                raise BrokenContractError(self.source, "blocks", fault)
            first = int(self._starts[number])
            try:
                data = checked_data(data, self.name)
            except DataError as error:
                where = f"from sample {first + 1} on, " if isinstance(data, Dataset) else ""
                raise error.replaced(message=f"{where}{error.message}") from None
        data = data.numbered_from(first + 1)
        if self.split is None:
            return {self.name: data}
        positions = self._positions(data, self.split, first + np.arange(len(data)))
        return {name: data.take(rows) for name, rows in positions.items() if len(rows)}

    def _positions(self, data: Data, split: SplitSpec, positions: Array) -> dict[str, Array]:
        """Return the samples of each data set, by their indices in the block."""
        if split.method == "column":
            return positions_by_column(data, split)
        validation, test = (self.shares.get(name, 0.0) for name in ("validation", "test"))
        if split.method == "time":
            total = len(self.blocks)
            later = total - held_out_count(total, test)
            middle = later - held_out_count(total, validation)
            number = np.where(positions >= later, 2, np.where(positions >= middle, 1, 0))
        else:
            chances = self._chances(data, split, positions)
            number = np.where(chances >= 1 - test, 2, np.where(chances < validation, 1, 0))
        return {name: np.flatnonzero(number == at) for at, name in enumerate(NAMES)}

    def _chances(self, data: Data, split: SplitSpec, positions: Array) -> Array:
        """Return the random number that decides on each sample; groups have one in common."""
        if split.method == "random":
            return position_chances(positions, self.seed, Stream.SPLIT)
        values, of_value = distinct(column_to_split_by(data, str(split.column))[1])
        digests = (hashlib.sha256(str(value).encode()).digest() for value in values.tolist())
        groups = np.array([int.from_bytes(digest[:8], "little") for digest in digests], np.uint64)
        chances: Array = position_chances(groups, self.seed, Stream.SPLIT)[of_value]
        return chances


def _no_blocks(name: str, source: DataSource) -> DataError:
    return DataError(
        f"the data source {source.type} cannot be read in blocks, which a stream needs",
        hint=f"store the data for {_those_with_blocks()}, or remove data.stream",
        path=("data", name),
        code="E017",
    )


def _those_with_blocks() -> str:
    """Name the installed data sources that can be read in blocks."""
    entries = default_registry().entries("data_source")
    return alternatives(entry.type for entry in entries if entry.component.reads_blocks())


@contextmanager
def _from(name: str) -> Iterator[None]:
    """Begin the path of a DataError with the data set's."""
    try:
        yield
    except DataError as error:
        if error.path[:1] != ("data",):
            raise error.at(("data", name, *error.path)) from None
        raise


def digest_of(data: Data) -> bytes:
    """Return a hash of the names, types and values of samples."""
    digest = hashlib.sha256()
    for name, values in data.arrays.items():
        array = np.asarray(values)
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        if array.dtype.kind == "O":
            digest.update(_joined_texts(array.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _joined_texts(texts: list[Any]) -> str:
    try:
        return "\x1f".join(texts)
    except TypeError:  # some are missing
        return "\x1f".join("\0" if text is None else str(text) for text in texts)


SAMPLED = 100_000
"""Maximum number of samples for what cannot be fitted in one pass."""

SAMPLED_NUMBERS = 2**22
"""Maximum number of elements in these samples."""

MOST_CLASSES = 1_000_000


class Survey:
    """A summary of a data set's samples, whose memory does not depend on their number.

    Args:
        blocks: the number of blocks.
        seed: the seed of the run.
        targets: the targets whose distinct values are classes.

    Attributes:
        sizes: the number of samples in each block.
        classes: the number of samples with each class, by target.
    """

    def __init__(self, blocks: int, seed: int, targets: Collection[str] = ()) -> None:
        self.sizes = [0] * blocks
        self.classes: dict[str, Counter[Any]] = {name: Counter() for name in targets}
        self._seed, self._seen, self._most = seed, 0, 1
        self._drawn: Reservoir[Data] = Reservoir()
        self._extremes: Data | None = None

    def add(self, number: int, data: Data) -> None:
        """Add the samples of a block, which come in order."""
        self.sizes[number] = len(data)
        self._draw(data)
        ends = data.take(extremes(data))
        joined = ends if self._extremes is None else self._extremes.joined([ends])
        self._extremes = joined.take(extremes(joined))
        for name, counter in self.classes.items():
            counter.update(_classes_in(data, name).tolist())
            if len(counter) > MOST_CLASSES:
                target = f'the target "{name}"' if name else "y"
                raise DataError(f"{target} has more than {MOST_CLASSES} classes", code="E041")

    def sample(self) -> Data:
        """Return a uniform random sample, followed by samples with extreme or missing numbers.

        The latter decide, too, which columns a transform suits, and which integers a layer must
        take. If all samples are few enough, it is all of them.
        """
        if self._extremes is None:
            raise ValueError("there are no samples")
        self._drawn.trim(self._most)
        is_all = self._drawn.threshold == 1.0
        first, *others = self._drawn.parts
        samples = first.joined([*others, *([] if is_all else [self._extremes])])
        if not isinstance(samples, Table):
            return samples
        classes = {
            name: _in_order(name, counter) for name, counter in self.classes.items() if counter
        }
        return replace(samples, classes={**classes, **samples.classes})

    def _draw(self, data: Data) -> None:
        """Keep the samples with the smallest chances."""
        positions = self._seen + np.arange(len(data))
        self._seen += len(data)
        self._most = max(1, min(SAMPLED, SAMPLED_NUMBERS // _numbers(data)))
        self._drawn.add(data, position_chances(positions, self._seed, Stream.SAMPLE), self._most)


def _classes_in(data: Data, target: str) -> Array:
    """Return the classes (n,) of a target without missing ones; labels if they have no names."""
    if not isinstance(data, Table):
        labels = labels_of(data.targets[target])
        if labels is None:
            return np.zeros(0, int)
        if data.class_names is None:
            return labels
        known = labels[(labels >= 0) & (labels < len(data.class_names))]  # the others are an error
        return np.array(data.class_names, object)[known.astype(np.intp)]
    column = data.columns.get(target, np.zeros(0))
    return column[~missing_values(column)]


def _in_order(name: str, counter: Counter[Any]) -> tuple[Any, ...]:
    """Return the sorted classes of a target; floats must be integral."""
    for value in counter:
        if isinstance(value, float) and value % 1:
            message = f'the target "{name}" is {value:g}, but classes are text or integers'
            raise DataError(message, code="E035")
    return tuple(sorted(counter))


def _numbers(data: Data) -> int:
    """Return the number of numbers or cells in a sample."""
    return max(1, sum(prod(array.shape[1:]) for array in data.arrays.values()))


def extremes(data: Data) -> Array:
    """Return the positions of the smallest, largest and missing values of each array or column."""
    positions: set[int] = set()
    for array in map(np.asarray, data.arrays.values()):
        rows = array.reshape(len(array), -1)
        gaps = missing_values(rows)
        if gaps.any():
            positions.add(int(gaps.argmax()) // rows.shape[1])
        if array.dtype.kind == "O" or gaps.all():
            continue
        ends = (np.nanargmin, np.nanargmax) if gaps.any() else (np.argmin, np.argmax)
        positions.update(int(end(rows)) // rows.shape[1] for end in ends)
    return np.array(sorted(positions), np.intp)
