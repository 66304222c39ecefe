"""Averaged parameters against those of torch.optim.swa_utils."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from declnet import Dataset, parse_spec, run

torch = pytest.importorskip("torch")
swa_utils = pytest.importorskip("torch.optim.swa_utils")

EPOCHS, BATCH, RATE = 8, 12, 0.2
"""The last of four batches has four samples, and counts as much as the others."""


def ours(data: Dataset, *callbacks: Any, epochs: int = EPOCHS, rate: float = RATE) -> Any:
    document = {
        "model": {
            "dtype": "float64",
            "layers": [{"type": "dense", "units": 8}, "batch_norm", "tanh",
                       {"type": "dense", "units": 3}, "softmax"],
        },
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "sgd", "learning_rate": rate, "momentum": 0.9},
        "training": {"epochs": epochs, "batch_size": BATCH, "shuffle": False,
                     "callbacks": list(callbacks)},
    }  # fmt: skip
    return run(parse_spec(document), data=data).model.parameters()


@pytest.mark.parametrize(
    ("callback", "function"),
    [
        ({"type": "ema", "decay": 0.9}, swa_utils.get_ema_multi_avg_fn(0.9)),
        ({"type": "swa", "from_epoch": 3}, None),
        ({"type": "swa", "from_epoch": 2, "every": 2}, None),
    ],
)
def test_averages_are_those_of_torch(callback: dict[str, Any], function: Any) -> None:
    rng = np.random.default_rng(8)
    data = Dataset(rng.normal(size=(40, 5)), rng.integers(0, 3, 40))
    found, start = ours(data, callback), ours(data, epochs=1, rate=0.0)
    network = torch.nn.Sequential(
        torch.nn.Linear(5, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Linear(8, 3)
    )
    named = {"dense_1": network[0], "dense_2": network[3]}
    with torch.no_grad():
        for name, layer in named.items():
            layer.weight.copy_(torch.tensor(start[f"{name}.weights"].T))
            layer.bias.copy_(torch.tensor(start[f"{name}.biases"]))
    averaged = swa_utils.AveragedModel(network, multi_avg_fn=function)
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9)
    for epoch in range(EPOCHS):
        for x, y in zip(
            torch.tensor(data.x).split(BATCH), torch.tensor(data.y).split(BATCH), strict=True
        ):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
            if callback["type"] == "ema":
                averaged.update_parameters(network)
        since = epoch - callback.get("from_epoch", EPOCHS)
        if since >= 0 and since % callback.get("every", 1) == 0:
            averaged.update_parameters(network)
    swa_utils.update_bn(torch.tensor(data.x).split(BATCH), averaged)
    first, norm, _, second = averaged.module
    expected = {
        "dense_1.weights": first.weight.T,
        "dense_1.biases": first.bias,
        "batch_norm_1.scale": norm.weight,
        "batch_norm_1.offset": norm.bias,
        "batch_norm_1.running_mean": norm.running_mean,
        "batch_norm_1.running_variance": norm.running_var,
        "dense_2.weights": second.weight.T,
        "dense_2.biases": second.bias,
    }
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_allclose(
            found[key], array.detach().numpy(), rtol=1e-9, atol=1e-12, err_msg=key
        )
