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
    """y = x @ weights + biases; the loss gains l2 * (sum(weights**2) + sum(biases**2))."""

    kind = "dense"
    inputs: int
    units: int
    l2: float = 0.0

    @property
    def parameters(self) -> dict[str, Shape]:
        return {"weights": (self.inputs, self.units), "biases": (self.units,)}

    def output_shape(self, shape: Shape) -> Shape:
        assert shape == (self.inputs,)
        return (self.units,)


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
class Relu(Layer):
    """y = max(x, 0)."""

    kind = "relu"

    def output_shape(self, shape: Shape) -> Shape:
        return shape


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
    layer.kind: layer for layer in (Dense, Conv2d, Embedding, Relu, MaxPool2d, Flatten)
}
