"""Prepared blocks on disk: read back to the bit, or prepared again where there is no room."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from declnet.data.block_file import BlockFile
from declnet.training.preparation import ReadyData, ReadyStream
from declnet.training.streaming import StreamedBatches

SIZES = (7, 0, 5, 9)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DECLNET_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stream(prepared, copy, window=8):
    """A stream of wide and thin inputs, labels and weights, which notes what it prepares."""
    rng = np.random.default_rng(0)
    blocks = [
        ReadyData(
            {"wide": rng.normal(size=(n, 20)).astype(np.float32), "thin": rng.normal(size=(n, 3))},
            (rng.integers(0, 3, n),),
            (rng.integers(0, 2, (n, 3)) > 0,),
            "",
            rng.random(n),
        )
        for n in SIZES
    ]

    def prepare(number):
        prepared.append(number)
        return blocks[number]

    return ReadyStream(SIZES, prepare, "", window, copy=copy)


def epochs(batches, count):
    found = []
    for _ in range(count):
        for positions in batches.between(0, batches.count):
            found += [each[positions].tobytes() for each in batches.samples.arrays]
    return found


def test_each_block_is_prepared_once(folder):
    prepared, again = [], []
    copied = stream(prepared, BlockFile(sum(SIZES)))
    batches, plain = (
        StreamedBatches(each, 4, True, seed=1) for each in (copied, stream(again, None))
    )
    assert epochs(batches, 3) == epochs(plain, 3)
    for found, wanted in zip(copied.parts(), stream([], None).parts(), strict=True):
        for one, other in zip(found.arrays, wanted.arrays, strict=True):
            assert one.dtype == other.dtype
            assert (one == other).all()
    assert sorted(prepared) == [0, 2, 3]
    assert len(again) > 6
    assert not [*folder.iterdir()]  # the file has no name


@pytest.mark.parametrize("room", ["none", "for a part", "no folder"])
def test_without_room_blocks_are_prepared_again(monkeypatch, folder, room):
    if room == "no folder":
        folder.write_text("")
    else:
        free = iter([10**9] if room == "for a part" else [])
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=next(free, 100)))
    prepared = []
    found = epochs(StreamedBatches(stream(prepared, BlockFile(sum(SIZES))), 4, True, seed=1), 3)
    assert found == epochs(StreamedBatches(stream([], None), 4, True, seed=1), 3)
    assert (prepared.count(0) > 1) == (room != "for a part")
    assert prepared.count(3) > 1
