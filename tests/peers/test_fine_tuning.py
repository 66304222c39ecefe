"""The shipped specs on fine-tuning, and PyTorch with the same base: the accuracy on test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from declnet import load_spec, open_run, run

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

SPECS = Path(__file__).parent.parent.parent / "specs" / "fine_tuning"
EPOCHS, FROM = 8, 4


def torch_network(base: dict[str, np.ndarray]) -> Any:
    nn = torch.nn
    body: list[Any] = []
    for index, (inputs, filters) in enumerate(((1, 16), (16, 32)), start=1):
        convolution, norm = nn.Conv2d(inputs, filters, 3, padding="same"), nn.BatchNorm2d(filters)
        pairs = {
            convolution.weight: f"conv2d_{index}.weights",
            convolution.bias: f"conv2d_{index}.biases",
            norm.weight: f"batch_norm_{index}.scale",
            norm.bias: f"batch_norm_{index}.offset",
            norm.running_mean: f"batch_norm_{index}.running_mean",
            norm.running_var: f"batch_norm_{index}.running_variance",
        }
        with torch.no_grad():
            for tensor, key in pairs.items():
                tensor.copy_(torch.tensor(base[key]))
        norm.requires_grad_(False)
        body += [convolution, norm, nn.ReLU()]
    head = [nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 64), nn.ReLU()]
    return nn.Sequential(*body, *head, nn.Linear(64, 10))


def test_the_tuned_network_is_as_accurate_as_torch_s(tmp_path: Path) -> None:
    base = run(load_spec(SPECS / "base.toml", {"training.epochs": 5}), out=tmp_path / "base")
    layers = load_spec(SPECS / "tuned.toml").model.layers
    late = [place for place, layer in enumerate(layers) if not isinstance(layer.trainable, bool)]
    changes: dict[str, Any] = {"training.epochs": EPOCHS}
    changes |= {f"model.layers.{place}.trainable.from_epoch": FROM for place in late}
    changes["model.initial_weights.path"] = str(tmp_path / "base" / "weights.safetensors")
    tuned = run(load_spec(SPECS / "tuned.toml", changes), out=tmp_path / "tuned")
    before, after = base.model.parameters(), tuned.model.parameters()
    assert all((before[key] == after[key]).all() for key in before if key.startswith("batch"))
    assert any((before[key] != after[key]).any() for key in before if key.startswith("conv"))

    torch.manual_seed(0)
    network = torch_network(before)
    norms = [each for each in network if isinstance(each, torch.nn.BatchNorm2d)]
    convolutions = [each for each in network if isinstance(each, torch.nn.Conv2d)]
    slow = [each for convolution in convolutions for each in convolution.parameters()]
    fast = [each for layer in network[6:] for each in layer.parameters()]
    optimizer = torch.optim.Adam(
        [{"params": slow, "lr": 0.0005}, {"params": fast}], lr=0.005, eps=1e-7
    )
    stored = open_run(tmp_path / "tuned")
    train, test = (stored.data(name).dataset for name in ("train", "test"))
    x, y = (torch.tensor(np.asarray(each)) for each in (train.x, train.y))
    x = x.reshape(-1, 1, 8, 8).float()
    network.train()
    for norm in norms:
        norm.eval()
    for epoch in range(EPOCHS):
        for convolution in convolutions:
            convolution.requires_grad_(epoch >= FROM)
        for part in torch.randperm(len(x)).split(64):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(x[part]), y[part]).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        predicted = network(torch.tensor(np.asarray(test.x)).reshape(-1, 1, 8, 8).float()).argmax(1)
    theirs = float((predicted.numpy() == test.y).mean())
    ours = tuned.metrics["test"]["accuracy"]
    assert min(ours, theirs) > 0.96
    assert abs(ours - theirs) < 0.02
