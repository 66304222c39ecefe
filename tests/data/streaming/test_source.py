"""Streamed sources: caching of blocks on disk."""

from __future__ import annotations

import pytest

from declnet import parse_spec
from declnet.data.block_file import BlockFile
from declnet.data.streaming.source import StreamedSource


@pytest.mark.parametrize("cache", [True, False])
def test_without_a_cache_nothing_is_written_to_disk(cache, tmp_path, monkeypatch):
    pytest.importorskip("polars")
    (tmp_path / "table.csv").write_text("a,b\n1,x\n2,y\n3,x\n")
    train = {"type": "csv", "path": str(tmp_path / "table.csv"), "target": "b"}
    spec = parse_spec(
        {
            "declnet": 1,
            "data": {"train": train, "stream": {"cache": cache}},
            "model": {"layers": [{"type": "dense", "units": 2}, "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": "adam",
            "training": {"epochs": 1, "batch_size": 2},
        }
    )
    kept_blocks = []
    monkeypatch.setattr(BlockFile, "keep", lambda _, number, arrays: kept_blocks.append(number))
    source = StreamedSource.opened("train", spec.data, seed=0)
    (block,) = source.in_order()
    assert block["train"].columns["b"].tolist() == ["x", "y", "x"]
    assert kept_blocks == [0] * cache
