"""Overfitting a few samples: their choice, success, and unsuitable learning rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import StepwiseTraining
from declnet.inspection.overfitting.overfit import overfit

from ..conftest import dense

SPECS = [
    path
    for path in sorted((Path(__file__).parents[3] / "specs").rglob("*.*"))
    if path.suffix in (".toml", ".json") and not path.name.endswith(("schema.json", "_1000.toml"))
]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_shipped_specs_overfit_without_complaint(path, shipped_spec):
    spec = declnet.load_spec(shipped_spec(path), {"model.initial_weights": None})
    result = overfit(StepwiseTraining(spec))
    assert result.succeeded
    assert result.fault is None


@pytest.mark.parametrize(
    ("rate", "message"), [(10.0, "10.0 is too high: the loss stays at"), (1e-9, "1e-9 is too low")]
)
def test_an_unsuitable_rate_is_reported(network, rate, message):
    result = overfit(StepwiseTraining(network(dense(), "relu", rate=rate)), updates=600)
    assert result.succeeded
    assert result.attempts[0].rate == rate
    assert result.fault.name == "optimizer"
    assert message in result.fault.reason
    better = float(result.fault.help.split(",")[0].removeprefix("set it to "))
    again = overfit(StepwiseTraining(network(dense(), "relu", rate=better)), updates=600)
    assert (len(again.attempts), again.fault) == (1, None)


@pytest.mark.parametrize("samples", [2, 10])
def test_the_samples_have_all_classes_and_no_duplicate_inputs(tmp_path, samples):
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 3, (500, 2)).astype(float), np.repeat(np.arange(5), 100)
    y[:5] = np.arange(5)
    np.savez(tmp_path / "few.npz", x=x, y=y)
    spec = declnet.parse_spec(
        {
            "data": {"train": {"type": "npz", "path": str(tmp_path / "few.npz")}},
            "model": {"layers": [dense(32), "relu", dense(5), "softmax"]},
            "loss": "categorical_crossentropy",
            "optimizer": {"type": "adam", "learning_rate": 0.05},
            "training": {"epochs": 1},
        }
    )
    result = overfit(StepwiseTraining(spec), samples=samples)
    assert result.classes == 5
    assert result.samples == (9 if samples == 10 else 5)  # there are only 9 different inputs
    assert result.succeeded


def test_identical_inputs_are_reported_as_a_fault_of_the_data(network):
    result = overfit(StepwiseTraining(network(dense(), "relu", scale=0.0)), updates=50)
    assert result.fault.name == "data"
    assert result.fault.reason == "the training samples have only 1 distinct input"


def test_the_time_is_limited(network):
    result = overfit(StepwiseTraining(network(dense(1), "relu")), seconds=1e-6)
    assert len(result.attempts) == 1
    assert not result.succeeded
