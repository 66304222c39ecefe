"""A work's network in tinygrad, written with tensor methods."""

from typing import Any

import numpy as np
import tinygrad

from works.data import Weights
from works.layers import Conv2d, Dense, Embedding, Flatten, MaxPool2d
from works.work import Work

Tensors = dict[str, Any]  # named and laid out as Weights


def tensors(weights: Weights) -> Tensors:
    """Return the weights as trainable tensors."""
    return {name: tinygrad.Tensor(w.copy()).realize() for name, w in weights.items()}


def arrays(tensors: Tensors) -> Weights:
    """Return the weights copied back to arrays."""
    return {name: np.array(tensor.numpy()) for name, tensor in tensors.items()}


def scores(work: Work, weights: Tensors, x: Any) -> Any:
    """Return the output of the last layer, before softmax."""
    output = x
    for name, layer in work.named_layers:
        own = [weights[f"{name}.{key}"] for key in layer.parameters]
        if isinstance(layer, Dense):
            output = output.linear(*own)
        elif isinstance(layer, Conv2d):
            output = output.conv2d(*own, padding=1)
        elif isinstance(layer, Embedding):
            embedding = tinygrad.nn.Embedding(layer.categories, layer.units)
            embedding.weight = own[0]
            output = embedding(output)
        elif isinstance(layer, MaxPool2d):
            output = output.max_pool2d(2)
        elif isinstance(layer, Flatten):
            output = output.flatten(1)
        else:
            output = output.relu()
    return output
