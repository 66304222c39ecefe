"""Training on data larger than memory: a window of samples at a time, read ahead by a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import by_name
from declnet.data.batches import BatchOrder, empty_samples
from declnet.spec.streams import Stream, random_stream
from declnet.training.preparation import ReadyData, ReadyStream


class StreamedBatches(BatchOrder):
    """Batches of a stream, for an epoch that finds their samples in `samples`.

    In each epoch, the blocks come in another order, those of a group together. As many of them as
    fill a window are read at a time and shuffled together, after what is left of the window before,
    less than a batch. So what a batch holds depends on the seed, the epoch and its number only.

    Attributes:
        samples: memory for the samples of a window, filled in place.
    """

    def __init__(
        self,
        stream: ReadyStream,
        batch_size: int,
        shuffle: bool,
        seed: int,
        drop_last: bool = False,
    ) -> None:
        self._stream, self._shuffle, self._seed = stream, shuffle, seed
        batch_size = min(batch_size, len(stream))
        self._least = max(stream.window, batch_size)
        most = min(len(stream), self._least + max(stream.sizes) - 1)
        super().__init__(len(stream), batch_size, drop_last, batch_size - 1 + most)
        first = stream.read(next(at for at, size in enumerate(stream.sizes) if size))
        self._arrays = [empty_samples(each, len(self.order)) for each in _arrays(first)]
        self.samples = _with_arrays(first, self._arrays)
        self._epoch, self._windows = -1, self._divided(-1)
        self._window, self._used = -1, 0
        self._pool = ThreadPoolExecutor(1, "declnet-stream")
        self._next: tuple[tuple[int, int], Future[list[Array]]] | None = None

    def shuffle(self) -> None:
        """Begin an epoch."""
        self._begin(self._epoch + 1)

    def stretches(self, first: int, stop: int) -> Iterator[Array]:
        """Yield where batches from `first` up to `stop` begin in `order`, window by window.

        The samples of a window are in memory until the next one is asked for.
        """
        batches = self._windows.batches
        while first < stop:
            window = int(np.searchsorted(batches, first, "right")) - 1
            begin, end = int(batches[window]), min(stop, int(batches[window + 1]))
            self._load(window)
            yield (np.arange(first, end) - begin) * self.batch_size
            first = end

    def first(self, count: int) -> Array:
        """Return the positions of the first samples of the epoch: as many as a window has."""
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
                of = np.array(self._stream.groups)[blocks]
                blocks = blocks[np.argsort(random.permutation(of.max() + 1)[of], kind="stable")]
        found: list[list[int]] = [[]]
        starts, here = [0], 0
        for block in blocks.tolist():
            found[-1].append(block)
            here += self._stream.sizes[block]
            if here - starts[-1] >= self._least:
                starts.append(here)
                found.append([])
        if found[-1]:
            starts.append(here)
        batches = np.array(starts) // self.batch_size
        batches[-1] = self.count
        return _Windows(tuple(map(tuple, filter(None, found))), np.array(starts), batches)

    def _random(self, epoch: int, number: int) -> np.random.Generator:
        """Return the generator that shuffles the blocks of an epoch (0), or a window (from 1)."""
        return random_stream(self._seed, Stream.SHUFFLE, ((epoch + 1) << 32) + number)

    def _load(self, window: int) -> None:
        """Fill the memory with a window, after the samples that the one before leaves over."""
        if window == self._window:
            return
        start, end = self._windows.starts[window : window + 2].tolist()
        left = start - int(self._windows.batches[window]) * self.batch_size
        if left and window == self._window + 1:
            rests = [each[self._used - left : self._used].copy() for each in self._arrays]
        elif left:
            rests = [each[-left:] for each in self._read(self._windows, self._epoch, window - 1)]
        else:
            rests = [each[:0] for each in self._arrays]
        arrays = self._awaited(window)
        for memory, rest, rows in zip(self._arrays, rests, arrays, strict=True):
            memory[:left] = rest
            memory[left : left + len(rows)] = rows
        self._window, self._used = window, left + end - start
        if window + 1 < len(self._windows.blocks):
            self._next = self._submitted(window + 1)

    def _awaited(self, window: int) -> list[Array]:
        """Return the samples of a window, which a thread has begun to read if it is the next."""
        waiting, self._next = self._next, None
        if waiting is None or waiting[0] != (self._epoch, window):
            if waiting is not None:
                waiting[1].cancel()
            waiting = self._submitted(window)
        return waiting[1].result()

    def _submitted(self, window: int) -> tuple[tuple[int, int], Future[list[Array]]]:
        key = self._epoch, window
        return key, self._pool.submit(self._read, self._windows, *key)

    def _read(self, windows: _Windows, epoch: int, window: int) -> list[Array]:
        """Return the samples of a window of an epoch in its order, array by array."""
        count = int(windows.starts[window + 1] - windows.starts[window])
        places = np.arange(count)
        if self._shuffle:
            self._random(epoch, 1 + window).shuffle(places)
        arrays = [np.empty((count, *each.shape[1:]), each.dtype) for each in self._arrays]
        done = 0
        for block in windows.blocks[window]:
            part = self._stream.read(block)
            own = places[done : done + len(part)]
            for array, rows in zip(arrays, _arrays(part), strict=True):
                array[own] = rows
            done += len(part)
        return arrays


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


def _arrays(data: ReadyData) -> list[Array]:
    """Return all arrays of samples."""
    inputs = [np.asarray(each) for each in by_name(data.x).values()]
    return [*inputs, *data.y, *data.y_true, *([] if data.weights is None else [data.weights])]


def _with_arrays(like: ReadyData, arrays: Sequence[Array]) -> ReadyData:
    """Return data of other arrays in the order of `_arrays`."""
    names, heads = list(by_name(like.x)), len(like.y)
    inputs, rest = dict(zip(names, arrays, strict=False)), arrays[len(names) :]
    x: Any = inputs if isinstance(like.x, Mapping) else inputs[names[0]]
    y, y_true = tuple(rest[:heads]), tuple(rest[heads : 2 * heads])
    weights = rest[2 * heads] if len(rest) > 2 * heads else None
    return ReadyData(x, y, y_true, "", weights, like.class_names, like.unscale)
