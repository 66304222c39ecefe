"""Trainings with groups, frozen layers and shared weights against PyTorch, step by step to 1e-9."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from declnet import Dataset

torch = pytest.importorskip("torch")

EPOCHS = 12
OUTPUT = {"type": "dense", "units": 3}
LAYERS: list[Any] = [
    {"type": "dense", "units": 8},
    "tanh",
    {"type": "dense", "units": 8},
    "tanh",
    "batch_norm",  # after tanh; before it, the gradient of the biases is rounding error
    OUTPUT,
    "softmax",
]


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(8)
    return Dataset(rng.normal(size=(40, 8)), rng.integers(0, 3, 40))


@pytest.fixture
def classified(our_path: Any, data: Dataset) -> Any:
    """Return the initial parameters and the parameters after each step on all samples."""

    def train(layers: Any, optimizer: Any, **training: Any) -> Any:
        loss = "categorical_crossentropy"
        return our_path(data, layers, loss, optimizer, epochs=EPOCHS, **training)

    return train


class Network(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """The network of `LAYERS`, with its parameters under our names."""

    def __init__(self, start: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.layers = {name: torch.nn.Linear(8, units) for name, units in SIZES.items()}
        self.norm = torch.nn.BatchNorm1d(8, momentum=0.1)
        for key, ours in start.items():
            with torch.no_grad():
                self.named()[key].copy_(torch.tensor(ours))

    def named(self) -> dict[str, Any]:
        """Return all parameters by our names, with weights transposed."""
        parameters = {}
        for name, layer in self.layers.items():
            parameters |= {f"{name}.weights": layer.weight.T, f"{name}.biases": layer.bias}
        norm = {"scale": self.norm.weight, "offset": self.norm.bias}
        norm |= {"running_mean": self.norm.running_mean, "running_variance": self.norm.running_var}
        return parameters | {f"batch_norm_1.{name}": array for name, array in norm.items()}

    def every(self) -> list[Any]:
        """Return all parameters."""
        modules = (*self.layers.values(), self.norm)
        return [parameter for module in modules for parameter in module.parameters()]

    def penalty(self) -> Any:
        """Return the sum of all penalties."""
        return 0.0

    def forward(self, x: Any) -> Any:
        first, second, last = self.layers.values()
        return last(self.norm(torch.tanh(second(torch.tanh(first(x))))))


SIZES = {"dense_1": 8, "dense_2": 8, "dense_3": 3}


def torch_path(
    network: Any,
    data: Dataset,
    optimizer: Any,
    before: Callable[[int], None] = lambda _: None,
    clip: float | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the parameters after each step; `before` is called with the number of each epoch."""
    x, y = torch.tensor(data.x), torch.tensor(data.y)
    for epoch in range(EPOCHS):
        before(epoch)
        optimizer.zero_grad(set_to_none=True)
        (torch.nn.functional.cross_entropy(network(x), y) + network.penalty()).backward()
        if clip is not None:  # PyTorch's adds 1e-6 to the norm
            gradients = [w.grad for w in network.every() if w.grad is not None]
            norm = float(torch.sqrt(sum((gradient**2).sum() for gradient in gradients)))
            for gradient in gradients:
                gradient.mul_(min(1.0, clip / norm))
        optimizer.step()
        yield {key: array.detach().numpy().copy() for key, array in network.named().items()}


def require_same(ours: list[dict[str, np.ndarray]], expected: Any) -> None:
    for step, (actual, theirs) in enumerate(zip(ours, expected, strict=True)):
        for key in actual:
            np.testing.assert_allclose(
                actual[key], theirs[key], rtol=1e-9, atol=1e-11, err_msg=f"{key}, step {step}"
            )


@pytest.mark.parametrize(("batch_size", "accumulate"), [(10, 4), (7, 4), (6, 3)])
def test_accumulated_gradients_equal_torchs(
    classified: Any, data: Dataset, batch_size: int, accumulate: int
) -> None:
    training = {"batch_size": batch_size, "accumulate": accumulate, "shuffle": False}
    start, ours = classified(LAYERS, {"type": "adam", "learning_rate": 0.01}, **training)
    network = Network(start)
    optimizer = torch.optim.Adam(network.every(), 0.01, eps=1e-7)
    size = batch_size * accumulate
    x, y = torch.tensor(data.x).split(size), torch.tensor(data.y).split(size)

    def expected() -> Iterator[dict[str, np.ndarray]]:
        for _ in range(EPOCHS):
            for xs, ys in zip(x, y, strict=True):
                optimizer.zero_grad()
                for part, labels in zip(xs.split(batch_size), ys.split(batch_size), strict=True):
                    loss = torch.nn.functional.cross_entropy(network(part), labels)
                    (loss * len(labels) / len(ys)).backward()
                optimizer.step()
            yield {key: array.detach().numpy().copy() for key, array in network.named().items()}

    require_same(ours, expected())


def test_groups_equal_torchs(classified: Any, data: Dataset) -> None:
    groups = [
        {"parameters": ["*.biases", "batch_norm_1.*"], "weight_decay": 0.0},
        {"parameters": ["dense_3.weights"], "learning_rate": 0.002, "beta_1": 0.5},
    ]
    table = {"type": "adamw", "learning_rate": 0.02, "weight_decay": 0.1, "groups": groups}
    start, ours = classified(LAYERS, table)
    network = Network(start)
    named, biases = network.layers, [layer.bias for layer in network.layers.values()]
    optimizer = torch.optim.AdamW(
        [
            {"params": [named["dense_1"].weight, named["dense_2"].weight]},
            {"params": [*biases, *network.norm.parameters()], "weight_decay": 0.0},
            {"params": [named["dense_3"].weight], "lr": 0.002, "betas": (0.5, 0.999)},
        ],
        lr=0.02,
        weight_decay=0.1,
        eps=1e-7,
    )
    require_same(ours, torch_path(network, data, optimizer))


@pytest.mark.parametrize("batch_norm", [True, False])
def test_frozen_layers_equal_torchs(classified: Any, data: Dataset, batch_norm: bool) -> None:
    """Freezing equals `requires_grad_(False)`, for batch normalization also `eval()`."""
    places = (2, 4) if batch_norm else (0, 2)
    layers = [{"type": layer} if isinstance(layer, str) else dict(layer) for layer in LAYERS]
    for place in places:
        layers[place]["trainable"] = False
    start, ours = classified(layers, {"type": "adam", "learning_rate": 0.02}, clip_norm=0.05)
    network = Network(start)
    frozen = [network.layers["dense_2"], network.norm if batch_norm else network.layers["dense_1"]]
    for module in frozen:
        module.requires_grad_(False).eval()
    trained = [parameter for parameter in network.every() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.02, eps=1e-7)
    require_same(ours, torch_path(network, data, optimizer, clip=0.05))


def test_layers_that_start_to_train_later_equal_torchs(classified: Any, data: Dataset) -> None:
    """PyTorch's Adam counts the steps of a parameter from the first one with a gradient."""
    layers = [{"type": layer} if isinstance(layer, str) else dict(layer) for layer in LAYERS]
    for place in (0, 2, 4):
        layers[place]["trainable"] = {"from_epoch": 5}
    start, ours = classified(layers, {"type": "adamw", "learning_rate": 0.02})
    network = Network(start)
    late = [network.layers["dense_1"], network.layers["dense_2"], network.norm]

    def before(epoch: int) -> None:
        for module in late:
            module.requires_grad_(epoch >= 5).train(epoch >= 5)

    optimizer = torch.optim.AdamW(network.every(), lr=0.02, eps=1e-7, weight_decay=0.01)
    require_same(ours, torch_path(network, data, optimizer, before))


def test_shared_weights_equal_torchs(classified: Any, data: Dataset) -> None:
    """The second layer shares the first's parameters; batch normalization is used twice, too."""
    again = {"type": "dense", "units": 8, "weights_from": "dense_1"}
    norm = {"type": "batch_norm", "weights_from": "batch_norm_1"}
    layers: list[Any] = [*LAYERS[:5], {**again, "name": "second"}, "tanh"]
    layers += [{**again, "name": "third"}, "tanh", norm, {**OUTPUT, "name": "dense_3"}, "softmax"]
    layers[0] = {**LAYERS[0], "weight_regularizer": {"type": "l2", "strength": 0.01}}
    start, ours = classified(layers, {"type": "adam", "learning_rate": 0.02})
    assert len(start) == 3 * 2 + 4
    network = Network(start)
    first, second, last = network.layers.values()

    def forward(x: Any) -> Any:
        x = network.norm(torch.tanh(second(torch.tanh(first(x)))))
        return last(network.norm(torch.tanh(first(torch.tanh(first(x))))))

    network.forward = forward
    network.penalty = lambda: 0.01 * (first.weight**2).sum()
    optimizer = torch.optim.Adam(network.every(), lr=0.02, eps=1e-7)
    require_same(ours, torch_path(network, data, optimizer))
