"""Prepared blocks on disk: read back to the bit, or prepared again without free space."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from declnet.data.block_file import PreparedCopy
from declnet.training.preparation import ReadyData, ReadySet
from declnet.training.streaming import StreamedBatches

SIZES = (7, 0, 5, 9)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stream(prepared, *, copied, window=8):
    """Return a stream of two inputs, labels and weights that records the prepared blocks."""
    rng = np.random.default_rng(0)
    blocks = [
        ReadyData(
            {"wide": rng.normal(size=(n, 20)).astype(np.float32), "thin": rng.normal(size=(n, 3))},
            (rng.integers(0, 3, n),),
            (rng.integers(0, 2, (n, 3)) > 0,),
            rng.random(n),
        )
        for n in SIZES
    ]

    def prepare(number):
        prepared.append(number)
        return blocks[number]

    read = PreparedCopy(SIZES, prepare) if copied else prepare
    return ReadySet(SIZES, read, "", window)


def epochs(batches, count):
    seen = []
    for _ in range(count):
        for positions in batches.between(0, batches.count):
            seen += [array[positions].tobytes() for array in batches.samples.arrays.values()]
    return seen


def test_each_block_is_prepared_once(folder):
    prepared, again = [], []
    copied = stream(prepared, copied=True)
    batches, plain = (
        StreamedBatches(blocks, 4, True, seed=1) for blocks in (copied, stream(again, copied=False))
    )
    assert epochs(batches, 3) == epochs(plain, 3)
    for part, expected in zip(copied.parts(), stream([], copied=False).parts(), strict=True):
        for one, other in zip(part.arrays.values(), expected.arrays.values(), strict=True):
            assert one.dtype == other.dtype
            assert (one == other).all()
    assert sorted(prepared) == [0, 2, 3]
    assert len(again) > 6
    assert not [*folder.iterdir()]  # the file is unlinked


@pytest.mark.parametrize("room", ["none", "for a part", "no folder"])
def test_without_free_space_blocks_are_prepared_again(monkeypatch, folder, room):
    if room == "no folder":
        folder.write_text("")
    else:
        free = iter([10**9] if room == "for a part" else [])
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free, 100)))
    prepared = []
    seen = epochs(StreamedBatches(stream(prepared, copied=True), 4, True, seed=1), 3)
    assert seen == epochs(StreamedBatches(stream([], copied=False), 4, True, seed=1), 3)
    assert (prepared.count(0) > 1) == (room != "for a part")
    assert prepared.count(3) > 1
