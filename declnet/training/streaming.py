"""Training on data larger than memory: a window of samples at a time, read ahead by a thread.

One half of a fixed memory is filled with the next window while the steps use the other. Only the
order of positions is shuffled, so that the loop and the engine use a window like data in memory.
The number of the epoch determines the contents of each window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.data.batches import BatchOrder, empty_samples
from declnet.errors import ChangedFileError
from declnet.spec.streams import Stream, random_stream
from declnet.training.preparation import ReadySet


class StreamedBatches(BatchOrder):
    """Batches of a stream, for an epoch that finds their samples in `samples`.

    In each epoch, the blocks come in another order, blocks of a group together. As many of them as
    fill a window are read at a time and shuffled together, after the rest of the window before,
    less than a batch. So the samples in a batch depend only on the seed, the epoch and its number.

    The memory has two halves, so that one window is read while the other is trained on. Samples
    stay where they are read; `order` is what is shuffled.

    Attributes:
        samples: memory for the samples of two windows, filled in place.
    """

    def __init__(
        self,
        stream: ReadySet,
        batch_size: int,
        shuffle: bool,
        seed: int,
        drop_last: bool = False,
    ) -> None:
        self._stream, self._shuffle, self._seed = stream, shuffle, seed
        batch_size = min(batch_size, len(stream))
        self._least = max(stream.window or 0, batch_size)
        most = min(len(stream), self._least + max(stream.sizes) - 1)
        self._spare = batch_size - 1
        super().__init__(len(stream), batch_size, drop_last, self._spare + most)
        self._halves = 1 if len(stream) <= self._least else 2
        held, first = self._halves * len(self.order), stream.like
        self._arrays = {
            name: empty_samples(np.asarray(array), held) for name, array in first.arrays.items()
        }
        self.samples = first.with_arrays(self._arrays)
        self._epoch, self._windows = -1, self._divided(-1)
        self._window, self._used = -1, 0
        self._pool = ThreadPoolExecutor(1, "declnet-stream")
        self._next: tuple[tuple[int, int], Future[None]] | None = None

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield where batches from `first` up to `stop` begin in `order`, window by window.

        The samples of a window are in memory until the next one is asked for.
        """
        while first < stop:
            batch = first % self.count
            if batch == 0:
                self._begin(self._epoch + 1)
            batches = self._windows.batches
            window = int(np.searchsorted(batches, batch, "right")) - 1
            begin, end = int(batches[window]), min(batch + stop - first, int(batches[window + 1]))
            self._load(window)
            yield (np.arange(batch, end) - begin) * self.batch_size
            first += end - batch

    def first(self, count: int) -> Array:
        """Begin an epoch; return the positions of its first samples, as many as a window has."""
        self._begin(self._epoch + 1)
        self._load(0)
        return self.order[: min(count, int(self._windows.starts[1]))]

    def state(self) -> dict[str, Any]:
        """Return the epoch, which decides on everything."""
        return {"epoch": self._epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned; raise ValueError if it is not of a stream."""
        if set(state) != {"epoch"}:
            raise ValueError("the data was in memory, now it is streamed")
        self._begin(state["epoch"])

    def _begin(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        self._epoch, self._window = epoch, -1
        self._windows = self._divided(epoch)

    def _divided(self, epoch: int) -> _Windows:
        """Return the windows of an epoch."""
        blocks = np.flatnonzero(self._stream.sizes)
        if self._shuffle:
            random = self._random(epoch, 0)
            random.shuffle(blocks)
            if self._stream.groups:  # in an order of their own, each with its blocks shuffled
                groups = np.array(self._stream.groups)[blocks]
                blocks = blocks[
                    np.argsort(random.permutation(groups.max() + 1)[groups], kind="stable")
                ]
        windows: list[list[int]] = [[]]
        starts, here = [0], 0
        for block in blocks.tolist():
            windows[-1].append(block)
            here += self._stream.sizes[block]
            if here - starts[-1] >= self._least:
                starts.append(here)
                windows.append([])
        if windows[-1]:
            starts.append(here)
        batches = np.array(starts) // self.batch_size
        batches[-1] = self.count
        return _Windows(tuple(map(tuple, filter(None, windows))), np.array(starts), batches)

    def _random(self, epoch: int, number: int) -> np.random.Generator:
        """Return the generator that shuffles the blocks of an epoch (0), or a window (from 1)."""
        return random_stream(self._seed, Stream.SHUFFLE, ((epoch + 1) << 32) + number)

    def _load(self, window: int) -> None:
        """Read a window, which the samples that the one before leaves over precede."""
        if window == self._window:
            return
        start, end = self._windows.starts[window : window + 2].tolist()
        left, half = (
            start - int(self._windows.batches[window]) * self.batch_size,
            self._half(window),
        )
        if left:
            if window == self._window + 1:
                over = self.order[self._used - left : self._used]
            else:
                self._await(window - 1)
                over = self._positions(window - 1)[-left:]
            for memory in self._arrays.values():
                memory[half : half + left] = memory[over]
            self.order[:left] = np.arange(half, half + left)
        self._await(window)
        self._window, self._used = window, left + end - start
        self.order[left : self._used] = self._positions(window)
        if window + 1 < len(self._windows.blocks):
            self._next = self._submitted(window + 1)

    def _half(self, window: int) -> int:
        """Return where the half of the memory begins that a window takes."""
        return window % self._halves * len(self.order)

    def _positions(self, window: int) -> Array:
        """Return where the samples of a window are in memory, in its order."""
        count = int(self._windows.starts[window + 1] - self._windows.starts[window])
        first = self._half(window) + self._spare
        positions = np.arange(first, first + count)
        if self._shuffle:
            self._random(self._epoch, 1 + window).shuffle(positions)
        return positions

    def _await(self, window: int) -> None:
        """Return when a window is in memory; a thread has begun to read it if it is the next."""
        waiting, self._next = self._next, None
        if waiting is None or waiting[0] != (self._epoch, window):
            if waiting is not None:
                waiting[1].cancel()
            waiting = self._submitted(window)
        with ChangedFileError.during(f"epoch {max(self._epoch, 0)}"):
            waiting[1].result()

    def _submitted(self, window: int) -> tuple[tuple[int, int], Future[None]]:
        blocks, first = self._windows.blocks[window], self._half(window) + self._spare
        return (self._epoch, window), self._pool.submit(self._read, blocks, first)

    def _read(self, blocks: Sequence[int], first: int) -> None:
        """Read blocks into memory in sequence."""
        for block in blocks:
            stop = first + self._stream.sizes[block]
            for name, samples in self._stream.read(block).arrays.items():
                self._arrays[name][first:stop] = samples
            first = stop


@dataclass(frozen=True, eq=False)
class _Windows:
    """The windows of an epoch.

    Attributes:
        blocks: the blocks of each.
        starts: the number of samples before each, and all of them at the end.
        batches: the number of batches that end before each, and all of them at the end.
    """

    blocks: tuple[tuple[int, ...], ...]
    starts: Array
    batches: Array
