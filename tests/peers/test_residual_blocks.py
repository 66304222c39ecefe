"""The shipped network of residual blocks, trained step by step as in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from declnet import load_spec, run

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
SPEC = Path(__file__).parents[2] / "specs" / "residual_blocks.toml"
DEPTH, WIDTH, STEPS = 6, 24, 5


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dense = torch.nn.BatchNorm1d(WIDTH), torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return x + self.dense(torch.relu(self.norm(x)))


def network():
    blocks = [Block() for _ in range(DEPTH)]
    entry, end = torch.nn.Linear(64, WIDTH), torch.nn.Linear(WIDTH, 10)
    norm = torch.nn.BatchNorm1d(WIDTH)
    return torch.nn.Sequential(entry, *blocks, norm, torch.nn.ReLU(), end).double()


def by_declnets_names(net):
    """Return the network's parameters by the names of declnet's layers."""
    entry, *blocks, norm, _, end = net
    modules = {"dense_1": entry, "batch_norm_7": norm, "dense_8": end}
    for number, block in enumerate(blocks, start=1):
        modules |= {f"trunk_{number}_dense": block.dense, f"trunk_{number}_batch_norm": block.norm}
    parameters = {}
    for name, module in modules.items():
        weights = module.weight.detach().numpy()
        if isinstance(module, torch.nn.Linear):
            arrays = {"weights": weights.T, "biases": module.bias.detach().numpy()}
        else:
            arrays = {"scale": weights, "offset": module.bias.detach().numpy()}
            arrays["running_mean"] = module.running_mean.numpy()
            arrays["running_variance"] = module.running_var.numpy()
        for key, array in arrays.items():
            parameters[f"{name}.{key}"] = np.ascontiguousarray(array)
    return parameters


def test_each_step_equals_torchs(tmp_path):
    torch.manual_seed(0)
    net = network()
    save_file(by_declnets_names(net), tmp_path / "initial.safetensors")
    overrides = {
        "variables.width": WIDTH,
        "variables.depth": DEPTH,
        "model.dtype": "float64",
        "model.initial_weights": str(tmp_path / "initial.safetensors"),
        "model.layers.1.layers.3.rate": 0.0,
        "loss.label_smoothing": 0.1,
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9},
        "training.epochs": STEPS,
        "training.batch_size": None,
        "training.log_every": 1,
    }
    result = run(load_spec(SPEC, overrides), out=tmp_path / "run")

    data = load_spec(SPEC).data.train.load(np.random.default_rng())
    x = (data.x - data.x.mean(axis=0)) / np.where(data.x.std(axis=0) > 0, data.x.std(axis=0), 1)
    x, y = torch.tensor(np.asarray(x, "f8")), torch.tensor(data.y)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_allclose([row["loss"] for row in result.history], losses, rtol=1e-6)
    trained = load_file(tmp_path / "run" / "weights.safetensors")
    for name, expected in by_declnets_names(net).items():
        np.testing.assert_allclose(trained[name], expected, rtol=1e-6, atol=1e-9, err_msg=name)


def test_the_shipped_spec_reaches_the_documented_accuracy():
    assert run(load_spec(SPEC)).metrics["test"]["accuracy"] > 0.98
