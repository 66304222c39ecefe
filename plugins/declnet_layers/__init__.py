"""Layers, one a file."""

from declnet import Register, hookimpl
from declnet_layers.dense import Dense
from declnet_layers.linear import Linear
from declnet_layers.relu import ReLU
from declnet_layers.softmax import Softmax

__all__ = ["Dense", "Linear", "ReLU", "Softmax"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(Dense)
    register(Linear)
    register(ReLU)
    register(Softmax)
