"""What a layer is given: data, and the parameters and workspace that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from declnet.components.arrays import Array
from declnet.components.initializer import Initializer
from declnet.components.parameter import Parameter, Workspace
from declnet.graph.blocks import batch_view, workspace_dtype
from declnet.graph.parameters import fans
from declnet.testing.failures import calling
from declnet.testing.settings import Setting, poison
from declnet.testing.subjects import Subject


@dataclass(frozen=True)
class LayerData:
    """What goes into a layer: `x`, an array for each input, and `dy`, both float64 or integers."""

    x: tuple[Array, ...]
    dy: Array

    def first(self, n: int) -> LayerData:
        """The first n samples."""
        return LayerData(tuple(array[:n] for array in self.x), self.dy[:n])


def starting_parameters(subject: Subject, declared: Mapping[str, Parameter]) -> dict[str, Array]:
    """Parameters by name, float64, always the same.

    The trainable ones are as their initializers make them, plus some noise, so that zeros and ones
    hide no fault of a gradient.
    """
    rng, arrays = np.random.default_rng(7), {}
    for name, parameter in declared.items():
        with calling(f"the initializer of the parameter {name}"):
            array = np.zeros(parameter.shape)
            Initializer.from_declaration(
                parameter.initializer, {"registry": subject.registry}
            ).fill(array, rng, *fans(parameter))
        if parameter.trainable:
            array += 0.1 * rng.normal(size=array.shape)
        arrays[name] = array
    return arrays


class BufferArrays:
    """A layer's workspace, poisoned but where they declare what to hold."""

    def __init__(self, declared: Mapping[str, Workspace], setting: Setting) -> None:
        self._declared = declared
        self._arrays: dict[str, Array] = {}
        for name, buffer in declared.items():
            size = prod(buffer.shape) * setting.capacity if buffer.per_sample else buffer.shape
            array = np.empty(size, workspace_dtype(buffer, np.dtype(setting.dtype)))
            poison(array, setting.poison)
            if buffer.fill is not None:
                array.fill(buffer.fill)
            array.flags.writeable = not buffer.constant
            self._arrays[name] = array

    def views(self, n: int) -> dict[str, Array]:
        """Every buffer by name, for a batch of n samples."""
        return {
            name: batch_view(array, self._declared[name].shape, n)
            if self._declared[name].per_sample
            else array
            for name, array in self._arrays.items()
        }
