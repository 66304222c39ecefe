"""A work's network in PyTorch: `nn.Sequential` of PyTorch layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from works.data import Floats, Weights
from works.layers import (
    EPSILON,
    Add,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MeanOverTime,
    MultiHeadAttention,
    Relu,
    Sigmoid,
    Silu,
    Softsign,
    Tanh,
)
from works.work import Work


class LastState(nn.LSTM):
    """An LSTM's last state; of its two biases, which it adds, only the first is trained."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__(features, units, batch_first=True)
        self.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Return h (n, units)."""
        last: Tensor = super().forward(x)[1][0]
        return last[0]


class SelfAttention(nn.MultiheadAttention):
    """Attention of sequences to themselves, without returning its shares."""

    def forward(self, x: Tensor) -> Tensor:
        """Return y (n, time, units)."""
        y: Tensor = super().forward(x, x, x, need_weights=False)[0]
        return y


class MeanOfSteps(nn.Module):
    """The mean over time."""

    def forward(self, x: Tensor) -> Tensor:
        """Return y (n, features)."""
        return x.mean(1)


class Skip(nn.Module):
    """A sum with an earlier output, `skipped` layers back."""

    def __init__(self, skipped: int) -> None:
        super().__init__()
        self.skipped = skipped

    def forward(self, x: Tensor, earlier: Tensor) -> Tensor:
        """Return the sum."""
        return x + earlier


class WithSkips(nn.Sequential):
    """Layers one after another, some of which also take an earlier output."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the last output."""
        outputs = [x]
        for module in self:
            earlier = [outputs[-1 - module.skipped]] if isinstance(module, Skip) else []
            outputs.append(module(outputs[-1], *earlier))
        return outputs[-1]


MODULES: dict[type[Layer], Callable[[Any], nn.Module]] = {
    Dense: lambda layer: nn.Linear(layer.inputs, layer.units),
    Conv2d: lambda layer: nn.Conv2d(layer.channels, layer.filters, 3, padding=1),
    Embedding: lambda layer: nn.Embedding(layer.categories, layer.units),
    Lstm: lambda layer: LastState(layer.features, layer.units),
    MultiHeadAttention: lambda layer: SelfAttention(layer.units, layer.heads, batch_first=True),
    LayerNorm: lambda layer: nn.LayerNorm(layer.features, EPSILON),
    Add: lambda layer: Skip(layer.skipped),
    MeanOverTime: lambda _: MeanOfSteps(),
    MaxPool2d: lambda _: nn.MaxPool2d(2),
    Flatten: lambda _: nn.Flatten(),
    Relu: lambda _: nn.ReLU(),
    Tanh: lambda _: nn.Tanh(),
    Sigmoid: lambda _: nn.Sigmoid(),
    Silu: lambda _: nn.SiLU(),
    Softsign: lambda _: nn.Softsign(),
}
"""How to make the torch module of a layer, weights not yet set."""

NAMES = {
    "weights": "weight",
    "biases": "bias",
    "scale": "weight",
    "offset": "bias",
    "recurrent_weights": "weight_hh_l0",
}
"""Names of torch's parameters, except an LSTM's input parameters and attention's."""


class TorchNetwork:
    """The modules, and the conversion of their weights: Linear's are (units, inputs)."""

    def __init__(self, work: Work) -> None:
        modules = [MODULES[type(layer)](layer) for layer in work.layers]
        self.model = (WithSkips if "add" in work.kinds else nn.Sequential)(*modules)
        self.model.to(getattr(torch, work.dtype))
        named = [name for name, _ in work.named_layers]
        self.modules = dict(zip(named, modules, strict=True))
        self.keys = [(name, key) for name, layer in work.named_layers for key in layer.parameters]

    def tensor(self, name: str, key: str) -> Tensor:
        """Return the parameter, laid out as in the works."""
        module = self.modules[name]
        parameter: Tensor
        if isinstance(module, SelfAttention):
            part, _, kind = key.partition("_")
            if part == "output":
                parameter = getattr(module.out_proj, NAMES[kind])
            else:
                three = getattr(module, f"in_proj_{NAMES[kind]}").chunk(3)
                parameter = three[("query", "key", "value").index(part)]
        elif isinstance(module, LastState) and key != "recurrent_weights":
            parameter = getattr(module, f"{NAMES[key]}_ih_l0")
        else:
            parameter = getattr(module, NAMES[key])
        return parameter.T if parameter.ndim == 2 and name[:9] != "embedding" else parameter

    def load(self, weights: Weights) -> None:
        """Copy the weights into the modules."""
        with torch.no_grad():
            for name, key in self.keys:
                self.tensor(name, key).copy_(torch.from_numpy(weights[f"{name}.{key}"]))

    def weights(self) -> Weights:
        """Copy the weights out of the modules."""
        return {f"{name}.{key}": copied(self.tensor(name, key)) for name, key in self.keys}


def copied(tensor: Tensor) -> Floats:
    """Return a copy of a tensor as an array."""
    return np.array(tensor.detach().numpy(), order="C")
