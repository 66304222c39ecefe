"""Kills of native runs: they end with the bits of a run that was not killed."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

pytestmark = pytest.mark.usefixtures("numba")

FILES = ("weights.safetensors", "history.jsonl", "metrics.json")
KILLS = int(os.environ.get("DECLNET_TEST_KILLS", "2"))
"""In a row, of one run; times three runs."""


def spec(batch_size, epochs, log_every):
    dense = [{"type": "dense", "units": units} for units in (48, 30, 3)]
    layers = [dense[0], "batch_norm", "relu", {"type": "dropout", "rate": 0.2}]
    layers += [dense[1], "tanh", dense[2], "softmax"]
    return {
        "declnet": 1,
        "name": "killed",
        "data": {
            "train": {"type": "nnfs_spiral", "samples": 300, "classes": 3},
            "validation": 0.2,
        },
        "model": {"layers": layers},
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": {"type": "cosine", "initial_rate": 0.01}},
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "log_every": log_every,
            "callbacks": [{"type": "checkpoint", "every_minutes": 0.0005, "keep_last": 2}],
        },
        "engine": {"kernels": "jit", "threads": 2},
    }


@pytest.mark.xdist_group("killed_runs")
@pytest.mark.parametrize(
    ("seed", "batch_size", "epochs", "log_every"),
    [(0, None, 3000, 500), (1, 32, 200, 25), (2, 100, 300, 1)],
)
def test_a_killed_native_run_ends_with_the_same_bits(
    declnet_cli, spec_file, tmp_path, seed, batch_size, epochs, log_every
):
    document, rng = spec(batch_size, epochs, log_every), random.Random(seed)
    if batch_size is None:
        del document["training"]["batch_size"]
    path = spec_file(document)
    declnet_cli.succeeds("run", path, "--quiet", "--out", "whole")
    process = declnet_cli.start("run", path, "--quiet", "--out", "out")
    while not (tmp_path / "out" / "manifest.json").exists():
        time.sleep(0.001)
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.3, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = declnet_cli.start("resume", "out", "--quiet")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
