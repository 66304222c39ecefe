"""A third party's loss of several outputs over one target, from the check to predictions."""

import csv

import numpy as np
import pytest

from ..distributions import write_distribution

SOURCE = """
import numpy as np
from pydantic import Field
from declnet import Loss, hookimpl

class Quantiles(Loss):
    "losses = the sum over quantiles q of max(q * e, (q - 1) * e), with e = y_true - y_pred."
    type, takes = "quantiles", "values"
    examples = ({"quantiles": [0.1, 0.9]},)
    example_shapes = (((2,), ()),)
    quantiles: tuple[float, ...] = Field(description="one for each output")

    def prepare(self, y, output_shape, dtype):
        if y.shape[1:] not in ((), (1,)):
            return super().prepare(y, output_shape, dtype)
        if output_shape != (len(self.quantiles),):
            raise ValueError(f"{len(self.quantiles)} quantiles need as many outputs")
        return y.reshape(len(y), 1).astype(dtype)

    def forward(self, y_pred, y_true, losses):
        q, e = np.array(self.quantiles, y_pred.dtype), y_true - y_pred
        np.sum(np.maximum(q * e, (q - 1) * e), axis=1, out=losses)

    def backward(self, y_pred, y_true, dy_pred):
        q = np.array(self.quantiles, y_pred.dtype)
        dy_pred[...] = np.where(y_true > y_pred, -q, 1 - q)

@hookimpl
def declnet_register(register):
    register(Quantiles)
"""


@pytest.fixture
def houses(command_in, tmp_path):
    """The command line with the loss, and a table of sizes and prices."""
    rng = np.random.default_rng(0)
    size = rng.uniform(-1, 1, 300)
    table = np.stack([size, 3 * size + rng.normal(0, 0.5, 300)], axis=1)
    np.savetxt(tmp_path / "houses.csv", table, "%.5f", ",", header="size,price", comments="")
    return command_in(tmp_path, write_distribution(tmp_path / "site", "declnet-quantiles", SOURCE))


@pytest.fixture
def spec(spec_file):
    layers = [{"type": "dense", "units": 16}, "tanh", {"type": "dense", "units": 2}]
    return spec_file(
        {
            "declnet": 1,
            "data": {"train": {"type": "csv", "path": "houses.csv", "target": "price"}},
            "model": {"layers": layers},
            "loss": {"type": "quantiles", "quantiles": [0.1, 0.9]},
            "optimizer": {"type": "adam", "learning_rate": 0.02},
            "training": {"epochs": 300, "log_every": 100},
        }
    )


def test_two_quantiles_of_one_target_are_trained_evaluated_and_predicted(houses, spec, tmp_path):
    houses.succeeds("run", spec, "--quiet", "--out", "run")
    shown = houses.succeeds("evaluate", "run")  # without errors of quantiles, which aim elsewhere
    assert "loss" in shown
    assert "error" not in shown
    rows = list(csv.reader(houses.succeeds("predict", "run", "houses.csv").splitlines()))
    low, high = np.array(rows[1:], float).T
    price = np.loadtxt(tmp_path / "houses.csv", delimiter=",", skiprows=1)[:, 1]
    assert np.mean((low < price) & (price < high)) == pytest.approx(0.8, abs=0.06)


def test_what_prepare_refuses_is_an_error_of_the_check_in_its_words(houses, spec):
    done = houses("check", spec, "--set", "loss.quantiles=[0.1, 0.5, 0.9]")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error[E041]: quantiles: 3 quantiles need as many outputs (data.train)\n"
    )
