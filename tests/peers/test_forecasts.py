"""The shipped forecast against the same network in PyTorch, a ridge regression and a naive one."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import declnet

torch = pytest.importorskip("torch")
linear_model = pytest.importorskip("sklearn.linear_model")

PAST, HORIZON, EPOCHS = 28, 7, 5


@pytest.fixture(scope="module")
def sets(repository):
    """The windows of each data set as (x, y, sales in the past), cut here by loops."""
    with (repository / "specs" / "data" / "demand.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = np.array(
        [(float(r["temperature"]), r["promotion"] == "true", float(r["sales"])) for r in rows]
    )
    held = round(len(table) * 0.15)
    parts = {
        "train": table[: -2 * held],
        "validation": table[-2 * held : -held],
        "test": table[-held:],
    }
    mean, std = parts["train"].mean(axis=0), parts["train"].std(axis=0)
    mean[1], std[1] = 0, 1  # booleans are left as they are
    found = {}
    for name, part in parts.items():
        scaled, starts = (part - mean) / std, range(len(part) - PAST - HORIZON + 1)
        x = [
            [*scaled[at : at + PAST].reshape(-1), *part[at + PAST : at + PAST + HORIZON, 1]]
            for at in starts
        ]
        y = [part[at + PAST : at + PAST + HORIZON, 2] for at in starts]
        past = [part[at : at + PAST, 2] for at in starts]
        found[name] = np.array(x), np.array(y), np.array(past)
    return found


def errors(sets, predicted):
    return np.abs(predicted - sets["test"][1]).mean()


def test_training_gives_the_test_loss_of_pytorch(repository, sets):
    changes = {
        "model.dtype": "float64",
        "training.epochs": EPOCHS,
        "training.shuffle": False,
        "optimizer.epsilon": 1e-8,
        "optimizer.learning_rate": 0.003,
    }
    spec = declnet.load_spec(repository / "specs" / "demand.toml", changes)
    result = declnet.run(declnet.load_spec(repository / "specs" / "demand.toml", changes))
    infos = {"past": (PAST, 3), "future": (HORIZON, 1)}
    start = declnet.build_model(spec.model, infos, spec.seed).parameters()
    layers = []
    for name in ("dense_1", "dense_2"):
        weights = torch.tensor(start[f"{name}.weights"])
        layer = torch.nn.Linear(*weights.shape, dtype=torch.float64)
        layer.weight.data, layer.bias.data = (
            weights.T.clone(),
            torch.tensor(start[f"{name}.biases"]),
        )
        layers += [layer, torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.003, eps=1e-8)
    x, y = (torch.tensor(each) for each in sets["train"][:2])
    for _ in range(EPOCHS):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(network(x[part]), y[part]).backward()
            optimizer.step()
    x, y = (torch.tensor(each) for each in sets["test"][:2])
    with torch.no_grad():
        loss = float(torch.nn.functional.mse_loss(network(x), y))
    assert result.metrics["test"]["loss"] == pytest.approx(loss, rel=1e-7)


def test_the_forecast_is_better_than_last_week_and_about_as_good_as_ridge(repository, sets):
    result = declnet.run(declnet.load_spec(repository / "specs" / "demand.toml"))
    error = result.metrics["test"]["mean_absolute_error"]
    last_week = errors(sets, sets["test"][2][:, -HORIZON:])
    ridge = linear_model.Ridge(alpha=1.0).fit(*sets["train"][:2])
    assert error < 0.6 * last_week
    assert error < 1.1 * errors(sets, ridge.predict(sets["test"][0]))
