"""The layers of the works, described by what they compute, independent of any peer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer(ABC):
    """A layer of a network; shapes exclude the batch axis."""

    kind: ClassVar[str]

    @property
    def parameters(self) -> dict[str, Shape]:
        """Return the shapes of the trainable parameters, by name."""
        return {}

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the output shape for a sample of that shape."""


@dataclass(frozen=True)
class Dense(Layer):
    """y = x @ weights + biases along the last axis.

    The loss gains l2 * (sum(weights**2) + sum(biases**2)).
    """

    kind = "dense"
    inputs: int
    units: int
    l2: float = 0.0

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"weights": (self.inputs, self.units), "biases": (self.units,)}

    def output_shape(self, shape: Shape) -> Shape:
        assert shape[-1] == self.inputs
        return (*shape[:-1], self.units)


@dataclass(frozen=True)
class Conv2d(Layer):
    """A cross-correlation of images (channels, height, width) with 3×3 filters, zero-padded."""

    kind = "conv2d"
    channels: int
    filters: int

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"weights": (self.filters, self.channels, 3, 3), "biases": (self.filters,)}

    def output_shape(self, shape: Shape) -> Shape:
        assert shape[0] == self.channels
        return (self.filters, *shape[1:])


@dataclass(frozen=True)
class Embedding(Layer):
    """y = weights[x], a row for each integer from 0 to categories - 1."""

    kind = "embedding"
    categories: int
    units: int

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"weights": (self.categories, self.units)}

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape, self.units)


@dataclass(frozen=True)
class Lstm(Layer):
    """The last state h of an LSTM; its gates are input, forget, candidate and output, in order."""

    kind = "lstm"
    features: int
    units: int

    @property
    def parameters(self) -> dict[str, Shape]:
        gates = 4 * self.units
        return {
            "weights": (self.features, gates),
            "recurrent_weights": (self.units, gates),
            "biases": (gates,),
        }

    def output_shape(self, shape: Shape) -> Shape:
        assert shape[1:] == (self.features,)
        return (self.units,)


@dataclass(frozen=True)
class MultiHeadAttention(Layer):
    """Self-attention of sequences (time, units); each head has consecutive columns."""

    kind = "multi_head_attention"
    units: int
    heads: int

    @property
    def parameters(self) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {}
        for name in ("query", "key", "value", "output"):
            shapes[f"{name}_weights"] = (self.units, self.units)
            shapes[f"{name}_biases"] = (self.units,)
        return shapes

    def output_shape(self, shape: Shape) -> Shape:
        assert shape[1:] == (self.units,)
        return shape


@dataclass(frozen=True)
class LayerNorm(Layer):
    """y = scale * (x - mean) / sqrt(variance + EPSILON) + offset, along the last axis."""

    kind = "layer_norm"
    features: int

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"scale": (self.features,), "offset": (self.features,)}

    def output_shape(self, shape: Shape) -> Shape:
        assert shape[-1] == self.features
        return shape


@dataclass(frozen=True)
class Add(Layer):
    """The output of the layer before, plus the input of the first of the `skipped` layers."""

    kind = "add"
    skipped: int

    def output_shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True)
class MeanOverTime(Layer):
    """The mean of all steps of a sequence."""

    kind = "mean_over_time"

    def output_shape(self, shape: Shape) -> Shape:
        return shape[1:]


@dataclass(frozen=True)
class Activation(Layer):
    """A function of each number; the layer's kind names it."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Relu(Activation):
    """y = max(x, 0)."""

    kind = "relu"


class Tanh(Activation):
    """y = tanh(x)."""

    kind = "tanh"


class Sigmoid(Activation):
    """y = 1 / (1 + exp(-x))."""

    kind = "sigmoid"


class Silu(Activation):
    """y = x / (1 + exp(-x))."""

    kind = "silu"


class Softsign(Activation):
    """y = x / (1 + abs(x)), which declnet itself does not have."""

    kind = "softsign"


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """The maximum of each 2×2 square."""

    kind = "max_pool2d"

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = shape
        return (channels, height // 2, width // 2)


@dataclass(frozen=True)
class Flatten(Layer):
    """All numbers of a sample on one axis, the last axis fastest."""

    kind = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (
        Dense,
        Conv2d,
        Embedding,
        Lstm,
        MultiHeadAttention,
        LayerNorm,
        Add,
        MeanOverTime,
        Relu,
        Tanh,
        Sigmoid,
        Silu,
        Softsign,
        MaxPool2d,
        Flatten,
    )
}

EPSILON = 1e-5
"""Added to the variance by `layer_norm`."""
