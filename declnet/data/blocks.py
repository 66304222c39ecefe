"""A data set in blocks of samples; data in memory is one block.

All that follows reads both in the same way. Data in memory is prepared once, a stream
whenever it is read. Tables and arrays have one base (`contracts/data/sample_arrays`), and the
preparation sees arrays as columns of several dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from declnet.errors import DataError

Result = TypeVar("Result")
Samples = TypeVar("Samples", bound=Sized)


def read_ahead(read: Callable[[int], Result], numbers: Iterable[int]) -> Iterator[Result]:
    """Yield what `read` returns for each number, while a thread reads the next one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for number in numbers:
            following = pool.submit(read, number)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()


@dataclass(frozen=True, eq=False)
class BlockSet(Generic[Samples]):
    """A data set in blocks, prepared when they are read; data in memory is one, prepared before.

    Attributes:
        sizes: the number of samples in each block; 0 if all are of other sets.
        read: returns the prepared samples in a block, from any thread.
        fingerprint: `sha256:…` of the samples; empty if it was not computed.
        window: about how many samples are in memory and shuffled at a time; None: all of them.
        groups: as for `Blocks`.
        copied: whether prepared blocks are kept on disk.
    """

    sizes: tuple[int, ...]
    read: Callable[[int], Samples]
    fingerprint: str = ""
    window: int | None = None
    groups: tuple[int, ...] = ()
    copied: bool = False

    @classmethod
    def in_memory(cls, samples: Samples, **fields: Any) -> Self:
        """Return a data set of samples in memory."""
        return cls((len(samples),), lambda _: samples, **fields)

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def whole(self) -> Samples:
        """All samples in memory; raise DataError if they are streamed."""
        if self.window is None:
            return self.read(0)
        raise DataError(
            "this needs the data in memory, but it is streamed",
            hint="copy some of the rows to a file, and set data.stream = false",
            path=("data", "stream"),
            code="E017",
        )

    def parts(self) -> Iterator[Samples]:
        """Yield all samples in order, block by block."""
        numbers = (number for number, size in enumerate(self.sizes) if size)
        return map(self.read, numbers) if self.window is None else read_ahead(self.read, numbers)
