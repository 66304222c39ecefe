"""The shipped network of two outputs against the same network in torch and scikit-learn."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from declnet import load_spec, run

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
SPECS = Path(__file__).parents[2] / "specs"
STEPS, WEIGHT = 8, 0.5


def wines():
    with (SPECS / "data" / "wine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("cultivar", "alcohol")]
    x = np.array([[float(row[name]) for name in names] for row in rows])
    alcohol = np.array([[float(row["alcohol"])] for row in rows])
    return x, np.array(["ABC".index(row["cultivar"]) for row in rows]), alcohol


def scaled(values, like):
    return (values - like.mean(axis=0)) / like.std(axis=0)


def test_each_step_of_two_losses_is_that_of_torch(tmp_path):
    torch.manual_seed(0)
    trunk, kind, value = (torch.nn.Linear(*each).double() for each in ((12, 16), (16, 3), (16, 1)))
    modules = {"dense_1": trunk, "dense_2": kind, "alcohol": value}

    def by_declnets_names():
        found = {}
        for name, module in modules.items():
            found[f"{name}.weights"] = np.ascontiguousarray(module.weight.detach().numpy().T)
            found[f"{name}.biases"] = module.bias.detach().numpy().copy()
        return found

    save_file(by_declnets_names(), tmp_path / "initial.safetensors")
    overrides = {
        "model.dtype": "float64",
        "model.initial_weights": str(tmp_path / "initial.safetensors"),
        "losses.alcohol.weight": WEIGHT,
        "optimizer": {"type": "sgd", "learning_rate": 0.2, "momentum": 0.9},
        "training": {"epochs": STEPS, "log_every": 1},
    }
    spec = load_spec(SPECS / "two_heads.toml", overrides)
    spec = spec.model_copy(
        update={"data": spec.data.model_copy(update={"validation": None, "test": None})}
    )
    result = run(spec, out=tmp_path / "run")

    x, cultivar, alcohol = wines()
    x, y = torch.tensor(scaled(x, x)), torch.tensor(scaled(alcohol, alcohol))
    parameters = [each for module in modules.values() for each in module.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.2, momentum=0.9)
    for row in result.history:
        hidden = torch.relu(trunk(x))
        losses = (
            torch.nn.functional.cross_entropy(kind(hidden), torch.tensor(cultivar)),
            torch.nn.functional.mse_loss(value(hidden), y),
        )
        total = losses[0] + WEIGHT * losses[1]
        assert row["cultivar_loss"] == pytest.approx(losses[0].item(), rel=1e-9)
        assert row["alcohol_loss"] == pytest.approx(losses[1].item(), rel=1e-9)
        assert row["loss"] == pytest.approx(total.item(), rel=1e-9)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    expected, found = by_declnets_names(), load_file(tmp_path / "run" / "weights.safetensors")
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-9, err_msg=name)
