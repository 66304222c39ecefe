"""The golden cases, run by the real command line on files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

CASES = sorted(path.parent.name for path in (Path(__file__).parent / "golden").glob("*/*.json"))


def dense(units, strengths):
    layer = {"type": "dense", "units": units}
    for part in ("weight", "bias"):
        l1, l2 = (strengths.get(f"{part}_regularizer_{kind}", 0) for kind in ("l1", "l2"))
        if l1 or l2:
            layer[f"{part}_regularizer"] = {"type": "l1_l2", "l1": l1, "l2": l2}
    return layer


def spec_of(expected):
    first, second = expected["layers"]
    layers = [dense(expected["hidden_units"], first), "relu", dense(3, second), "softmax"]
    return {
        "declnet": 1,
        "data": {"train": {"type": "npz", "path": "train.npz"}},
        "model": {
            "dtype": "float64",
            "initial_weights": "initial.safetensors",
            "layers": layers,
        },
        "loss": "categorical_crossentropy",
        "optimizer": expected["optimizer"],
        "training": {"epochs": expected["epochs"], "metrics": ["accuracy"]},
    }


def test_there_are_golden_cases():
    assert len(CASES) == 6


@pytest.mark.parametrize("case", CASES)
def test_a_case_gives_its_history_and_final_weights(
    case, golden, tmp_path, spec_file, declnet_cli, history_of
):
    expected = json.loads((golden / case / "expected.json").read_text())
    shutil.copy(golden / case / "train.npz", tmp_path)
    with np.load(golden / case / "initial.npz") as initial:
        save_file(dict(initial), tmp_path / "initial.safetensors")

    declnet_cli.succeeds("run", spec_file(spec_of(expected)), "--quiet", "--out", "out")

    rows = history_of(tmp_path / "out")
    assert [row["epoch"] for row in rows] == list(range(expected["epochs"]))
    for column, values in expected["history"].items():
        actual = [row[column] for row in rows]
        tolerance = 1e-12 if column == "learning_rate" else 1e-7
        np.testing.assert_allclose(actual, values, rtol=tolerance, atol=0, err_msg=column)
    weights = load_file(tmp_path / "out" / "weights.safetensors")
    strengths = [item for layer in expected["layers"] for item in layer.items()]
    has_l1 = any(value for key, value in strengths if key.endswith("_l1"))
    with np.load(golden / case / "final.npz") as final:
        assert set(weights) == set(final)
        for key, values in final.items():
            np.testing.assert_allclose(
                weights[key], values, rtol=0, atol=1e-4 if has_l1 else 1e-9, err_msg=key
            )
