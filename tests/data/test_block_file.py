"""Blocks of arrays on disk: any types and sizes, while there is free space."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np

from declnet import BlockFile


def test_blocks_are_read_back_and_not_written_without_free_space(tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path))
    blocks = {
        3: [np.arange(6.0).reshape(3, 2), np.array([True, False, True])],
        0: [np.arange(8)[::2], np.arange(20, dtype=np.uint8)],
    }
    file = BlockFile(7)
    for number, arrays in blocks.items():
        assert file.read(number) is None
        file.keep(number, arrays)
    for number, arrays in blocks.items():
        for array_read, array in zip(file.read(number), arrays, strict=True):
            np.testing.assert_array_equal(array_read, array)
            assert array_read.dtype == array.dtype
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=7 * 16))
    file.keep(5, blocks[3])
    assert file.read(5) is None
    assert not [*tmp_path.iterdir()]  # the file is unlinked
