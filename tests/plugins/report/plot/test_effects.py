from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from declnet_plugins.report.plot.sweep import draw_sweep, read_sweep

TABLE = {"type": "sgd", "momentum": 0.9}
POINTS = [
    ({"optimizer": "adam", "training.epochs": 10, "seed": 1}, 0.5),
    ({"optimizer": TABLE, "training.epochs": 10, "model.layers.0.name": "a$b$", "seed": 1}, 0.75),
    ({"optimizer": TABLE, "training.epochs": 1, "model.layers.0.name": "c", "seed": 1}, 1.0),
]


def test_a_sweep_over_several_keys_is_drawn_by_key(tmp_path, write_sweep):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    specs = {f"s{at}": [{"train": {"loss": metric}}] for at, (_, metric) in enumerate(POINTS)}
    values = {f"s{at}": values for at, (values, _) in enumerate(POINTS)}
    specs["nan"] = [{"train": {"loss": math.nan}}]
    sweep = read_sweep(write_sweep("train.loss", specs, values))
    assert sweep.keys == ["optimizer", "training.epochs", "seed", "model.layers.0.name"]
    draw_sweep(sweep, tmp_path / "effects.svg")
    drawn = (tmp_path / "effects.svg").read_text("utf-8")
    ET.fromstring(drawn)
    labels = {part.strip() for part in drawn.split("<!--") for part in part.split("-->")[:1]}
    assert {
        "optimizer",
        "training.epochs",
        "a$b$",
        "sgd momentum=0.9",
        "train loss",
        "3 specs, mean train loss of each",
    } <= labels
    assert "seed" in labels  # the failed spec has no value of it
