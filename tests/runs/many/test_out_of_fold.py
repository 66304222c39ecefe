"""Out of fold, nothing that a row has a say in predicts it: no epoch, calibration or weight."""

from __future__ import annotations

import json

import numpy as np
import pytest

import declnet
from declnet import open_group, open_run
from declnet.data.splits import parts_of_fold
from declnet.runs.many.selection import selected_weights
from declnet.spec.data_section import DataSpec

ROWS, FOLDS = 150, 3


def noise(kind):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(ROWS, 4)), rng.integers(0, 2, ROWS)
    return declnet.Dataset(x, rng.normal(size=(ROWS, 1)) if kind == "value" else y)


def spec_of(kind="class", **top):
    last = [{"type": "dense", "units": 2}, "softmax"]
    loss, metric = "categorical_crossentropy", "log_loss"
    if kind == "value":
        last, loss, metric = [{"type": "dense", "units": 1}], "mean_squared_error", "r2"
    return {
        "declnet": 1,
        "data": {"folds": FOLDS},
        "model": {"layers": [{"type": "dense", "units": 24}, "relu", *last]},
        "loss": loss,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 30, "metrics": [metric], "callbacks": ["best_epoch"]},
        **top,
    }


MEMBERS = [
    {"name": f"network_{units}", "model": {"layers.0.units": units}, "seed": 0} for units in (4, 24)
]


def trained(tmp_path, spec, kind="class"):
    declnet.run(spec, {"train": noise(kind)}, out=tmp_path / "out")
    return open_group(tmp_path / "out")


def out_of_fold(group, kind="class"):
    return group.out_of_fold({"train": noise(kind)})


def test_labels_without_a_signal_are_predicted_no_better_than_chance(tmp_path):
    layers = spec_of()["model"]["layers"]
    members = [
        {"name": f"network_{units}", "model": {"layers": [{**layers[0], "units": units}, *layers[1:]]}}
        for units in (6, 24)
    ]
    spec = spec_of(calibration={"steps": ["temperature"]}, members=members, weights="selected")
    del spec["model"]
    group = trained(tmp_path, spec)
    y = noise("class").y
    probability = out_of_fold(group).probabilities[np.arange(ROWS), y]
    losses = -np.log(probability)
    error = losses.std() / ROWS**0.5
    chance = np.log(2)
    assert losses.mean() > chance - error
    # the rows that selected the models are predicted better than chance, beyond noise
    parts = group.examined("validation", {"train": noise("class")}, by_models=True)
    outputs = np.concatenate([part.outputs()[""] for part in parts])
    labels = np.concatenate([part.targets()[0] for part in parts])
    models = -np.log(outputs[np.arange(ROWS), labels])
    assert models.mean() < chance - models.std() / ROWS**0.5
