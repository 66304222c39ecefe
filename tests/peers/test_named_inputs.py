"""Networks with two inputs against PyTorch's, weight for weight, on the table of a shipped spec."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import WantedTarget
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")

EPOCHS = 12


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
    return declnet.load_spec(repository / "specs" / "two_inputs.toml", changes)


class Network(torch.nn.Module):
    """The spec's network, with an embedding table for each column of the categories."""

    def __init__(self, weights, levels):
        super().__init__()
        starts = np.cumsum([0, *levels])
        rows = weights["embedding_1.weights"]
        self.tables = torch.nn.ParameterList(
            torch.tensor(rows[start:stop]) for start, stop in pairwise(starts)
        )
        self.linear = torch.nn.ModuleList()
        for name in ("dense_1", "dense_2", "dense_3"):
            given = torch.tensor(weights[f"{name}.weights"])
            layer = torch.nn.Linear(*given.shape, dtype=torch.float64)
            layer.weight.data = given.T.clone()
            layer.bias.data = torch.tensor(weights[f"{name}.biases"])
            self.linear.append(layer)

    def forward(self, numbers, categories):
        embed = torch.nn.functional.embedding
        rows = [embed(categories[:, at], table) for at, table in enumerate(self.tables)]
        y = torch.cat([numbers, *rows], dim=1)
        for layer in self.linear[:-1]:
            y = torch.relu(layer(y))
        return self.linear[-1](y)


def tensors(dataset):
    x = [torch.tensor(np.ascontiguousarray(dataset.x[name])) for name in ("numbers", "categories")]
    return x, torch.tensor(dataset.y.reshape(-1, 1), dtype=torch.float64)


def test_training_gives_the_weights_and_the_test_loss_of_pytorch(spec):
    sets = prepared_sets(spec.data, [WantedTarget("", "values")], spec.seed)
    infos = sets.input_infos
    start = declnet.build_model(spec.model, infos, spec.seed).parameters()
    network = Network(start, infos["categories"].levels)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005, eps=1e-8)
    (numbers, categories), y = tensors(sets.datasets["train"])
    for _ in range(EPOCHS):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            torch.mean((network(numbers[part], categories[part]) - y[part]) ** 2).backward()
            optimizer.step()
    result = declnet.run(spec)
    x, y = tensors(sets.datasets["test"])
    with torch.no_grad():
        loss = float(torch.mean((network(*x) - y) ** 2))
    assert result.metrics["test"]["loss"] == pytest.approx(loss, rel=1e-7)
    assert result.metrics["test"]["r2"] > 0.9
    found = torch.cat(list(network.tables)).detach().numpy()
    np.testing.assert_allclose(
        result.model.parameters()["embedding_1.weights"], found, rtol=1e-7, atol=1e-9
    )
