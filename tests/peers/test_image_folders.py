"""The shipped classifier of images in folders against the same network in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import wanted_targets
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")

EPOCHS = 2


def network(w):
    """Return the network of shapes_convolution.toml with the given weights."""
    nn = torch.nn
    network = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.Mish(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.Mish(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 16, 3, padding=1), nn.Mish(), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
        nn.Linear(16, 3),
    ).double()
    for place, name in ((0, "conv2d_1"), (3, "conv2d_2"), (7, "conv2d_3"), (11, "dense_1")):
        network[place].weight.data = torch.tensor(w[f"{name}.weights"].copy())
        network[place].bias.data = torch.tensor(w[f"{name}.biases"])
    network[11].weight.data = network[11].weight.data.T.contiguous()
    return network


def test_training_gives_the_test_loss_and_accuracy_of_pytorch(shipped_spec):
    changes = {
        "data.prepare": ["normalize"],  # without flips at random
        "model.dtype": "float64",
        "training.epochs": EPOCHS,
        "training.shuffle": False,
        "optimizer.epsilon": 1e-8,
    }
    spec = declnet.load_spec(shipped_spec("shapes_convolution.toml"), changes)
    sets = prepared_sets(spec.data, wanted_targets(spec.heads), spec.seed)
    start = declnet.build_model(spec.model, sets.input_infos, spec.seed).parameters()
    peer, cross_entropy = network(start), torch.nn.functional.cross_entropy
    torch.set_num_threads(1)  # threads that wait for busy processors take twenty times as long
    optimizer = torch.optim.Adam(peer.parameters(), lr=spec.optimizer.learning_rate, eps=1e-8)
    (x, y), (x_test, y_test) = (
        (torch.tensor(np.array(each.x, "float64")), torch.tensor(np.array(each.y, "int64")))
        for each in (sets.datasets["train"], sets.datasets["test"])
    )
    for _ in range(EPOCHS):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            cross_entropy(peer(x[part]), y[part]).backward()
            optimizer.step()
    found = declnet.run(spec).metrics["test"]
    with torch.no_grad():
        scores = peer(x_test)
        loss = float(cross_entropy(scores, y_test))
        accuracy = float((scores.argmax(dim=1) == y_test).double().mean())
    assert found["loss"] == pytest.approx(loss, rel=1e-7)
    assert found["accuracy"] == accuracy
