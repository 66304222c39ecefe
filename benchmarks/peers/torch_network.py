"""A work's network in PyTorch: `nn.Sequential` of PyTorch layers."""

import numpy as np
import torch
from torch import Tensor, nn

from works.data import Floats, Weights
from works.layers import Conv2d, Dense, Embedding, Flatten, Layer, MaxPool2d
from works.work import Work


def torch_layer(layer: Layer) -> nn.Module:
    """Return the layer as a torch module, weights not yet set."""
    if isinstance(layer, Dense):
        return nn.Linear(layer.inputs, layer.units)
    if isinstance(layer, Conv2d):
        return nn.Conv2d(layer.channels, layer.filters, 3, padding=1)
    if isinstance(layer, Embedding):
        return nn.Embedding(layer.categories, layer.units)
    if isinstance(layer, MaxPool2d):
        return nn.MaxPool2d(2)
    return nn.Flatten() if isinstance(layer, Flatten) else nn.ReLU()


class TorchNetwork:
    """The modules, and the conversion of their weights: Linear's are (units, inputs)."""

    def __init__(self, work: Work) -> None:
        modules = [torch_layer(layer) for layer in work.layers]
        self.model = nn.Sequential(*modules)
        named = [name for name, _ in work.named_layers]
        self.modules = dict(zip(named, modules, strict=True))
        self.keys = [(name, key) for name, layer in work.named_layers for key in layer.parameters]

    def tensor(self, name: str, key: str) -> Tensor:
        """Return the parameter, laid out as in the works."""
        module = self.modules[name]
        parameter: Tensor = getattr(module, {"weights": "weight", "biases": "bias"}[key])
        return parameter.T if isinstance(module, nn.Linear) and key == "weights" else parameter

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
