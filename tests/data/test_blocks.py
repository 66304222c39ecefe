"""Block sets: one block for data in memory, one read for each block of a stream."""

from __future__ import annotations

import pytest

from declnet import DataError
from declnet.data.blocks import BlockSet


def test_data_in_memory_is_one_block():
    samples = [1, 2, 3]
    blocks = BlockSet.in_memory(samples, fingerprint="sha256:0")
    assert len(blocks) == 3
    assert blocks.whole is samples
    assert [*blocks.parts()] == [samples]


def test_a_stream_is_read_in_blocks_and_never_as_a_whole():
    blocks = BlockSet((2, 0, 1), lambda number: [number] * 2, window=1)
    assert [*blocks.parts()] == [[0, 0], [2, 2]]
    with pytest.raises(DataError, match="it is streamed"):
        _ = blocks.whole
