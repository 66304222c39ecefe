"""The shipped quantile regression against the same network in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import WantedTarget
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")

EPOCHS = 8


@pytest.fixture(scope="module")
def spec(repository):
    """The shipped spec in float64, with batches in order and a constant rate."""
    changes = {
        "model.dtype": "float64",
        "training.epochs": EPOCHS,
        "training.shuffle": False,
        "optimizer.learning_rate": 0.005,
        "optimizer.epsilon": 1e-8,
    }
    return declnet.load_spec(repository / "specs" / "quantile_regression.toml", changes)


def pinball(found, y, quantiles):
    error = y - found
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()


def test_training_gives_the_weights_and_the_test_loss_of_pytorch(spec):
    sets = prepared_sets(spec.data, [WantedTarget("", "values")], spec.seed).datasets
    logs = np.log(sets["train"].y)
    mean, deviation = logs.mean(), logs.std()
    x = {name: torch.tensor(np.array(each.x, float)) for name, each in sets.items()}
    y = {
        name: torch.tensor((np.log(each.y) - mean).reshape(-1, 1) / deviation)
        for name, each in sets.items()
    }
    weights = declnet.build_model(spec.model, x["train"].shape[1:], spec.seed).parameters()
    network = torch.nn.Sequential()
    for name in ("dense_1", "dense_2"):
        given = torch.tensor(weights[f"{name}.weights"])
        layer = torch.nn.Linear(*given.shape, dtype=torch.float64)
        layer.weight.data, layer.bias.data = given.T.clone(), torch.zeros(given.shape[1]).double()
        network.append(layer)
        if name == "dense_1":
            network.append(torch.nn.Tanh())
    quantiles = torch.tensor(spec.heads[0].loss.quantiles, dtype=torch.float64)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005, eps=1e-8)
    for _ in range(EPOCHS):
        for at in range(0, len(y["train"]), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            pinball(network(x["train"][part]), y["train"][part], quantiles).backward()
            optimizer.step()
    result = declnet.run(spec)
    with torch.no_grad():
        loss = float(pinball(network(x["test"]), y["test"], quantiles))
    assert result.metrics["test"]["loss"] == pytest.approx(loss, rel=1e-7)
    found = network[0].weight.detach().numpy().T
    np.testing.assert_allclose(result.model.parameters()["dense_1.weights"], found, rtol=1e-7)
