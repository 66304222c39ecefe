"""A prepared data set that is read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from declnet.contracts.data.data_source import Dataset
from declnet.data.streaming.source import read_ahead


@dataclass(frozen=True, eq=False)
class StreamedSet:
    """A prepared data set that is read block by block.

    Attributes:
        sizes: the number of samples of the set in each block; 0 if all are of other sets.
        read: returns the prepared and weighted samples in a block, from any thread.
        fingerprint: `sha256:…` of the samples before their preparation.
        window: about how many samples are in memory and shuffled at a time.
        class_names: the names of the labels 0, 1, 2, …, if known.
        groups: as for `Blocks`.
        copied: whether prepared blocks are kept on disk.
    """

    sizes: tuple[int, ...]
    read: Callable[[int], Dataset]
    fingerprint: str
    window: int
    class_names: tuple[str, ...] | None = None
    groups: tuple[int, ...] = ()
    copied: bool = False

    def __len__(self) -> int:
        return sum(self.sizes)

    def parts(self) -> Iterator[Dataset]:
        """Yield all samples in order, block by block."""
        return read_ahead(self.read, (at for at, size in enumerate(self.sizes) if size))
