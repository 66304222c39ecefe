"""Optimizers: elementwise update rules, one a file."""

from declnet import Register, hookimpl
from declnet_optimizers.adagrad import Adagrad
from declnet_optimizers.adam import Adam
from declnet_optimizers.rmsprop import RMSProp
from declnet_optimizers.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "RMSProp"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(Adagrad)
    register(Adam)
    register(RMSProp)
    register(SGD)
