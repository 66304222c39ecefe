"""The layers that works are made of: what they compute, and nothing of how any peer does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer(ABC):
    """A step of a network; shapes are those of one sample."""

    kind: ClassVar[str]

    @property
    def parameters(self) -> dict[str, Shape]:
        """The shapes of what it learns, by name."""
        return {}

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """What becomes of a sample of that shape."""


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
    """A cross-correlation of images (channels, height, width) with 3×3 filters, zeros around."""

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
    """The largest of each square of 2×2."""

    kind = "max_pool2d"

    def output_shape(self, shape: Shape) -> Shape:
        channels, height, width = shape
        return (channels, height // 2, width // 2)


@dataclass(frozen=True)
class Flatten(Layer):
    """All numbers of a sample in one axis, the last axis fastest."""

    kind = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (Dense, Conv2d, Embedding, Relu, MaxPool2d, Flatten)
}
