from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from declnet_plugins.report.plot.sweep import draw_sweep, read_sweep

TABLE = {"type": "sgd", "momentum": 0.9}
POINTS = [
    ({"optimizer": "adam", "rate": 0.1, "same": 1}, 0.5),
    ({"optimizer": TABLE, "rate": 0.1, "a$b$": 3, "same": 1}, 0.75),
    ({"optimizer": TABLE, "rate": 0.01, "a$b$": 4, "same": 1}, 1.0),
]


def test_a_sweep_over_several_keys_is_drawn_by_key(tmp_path, write_sweep):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    specs = {f"s{at}": [{"train": {"loss": metric}}] for at, (_, metric) in enumerate(POINTS)}
    values = {f"s{at}": values for at, (values, _) in enumerate(POINTS)}
    specs["nan"] = [{"train": {"loss": math.nan}}]
    sweep = read_sweep(write_sweep("train.loss", specs, values))
    assert sweep.keys == ["optimizer", "rate", "same", "a$b$"]
    draw_sweep(sweep, tmp_path / "effects.svg")
    drawn = (tmp_path / "effects.svg").read_text("utf-8")
    ET.fromstring(drawn)
    labels = {each.strip() for each in drawn.split("<!--") for each in each.split("-->")[:1]}
    assert {
        "optimizer",
        "rate",
        "sgd momentum=0.9",
        "train loss",
        "3 specs, mean train loss of each",
    } <= labels
    assert "same" in labels  # the failed spec has no value of it
