"""Initializers: values that parameters start with, one a file."""

from declnet import Register, hookimpl
from declnet_initializers.constant import Constant
from declnet_initializers.glorot_normal import GlorotNormal
from declnet_initializers.glorot_uniform import GlorotUniform
from declnet_initializers.he_normal import HeNormal
from declnet_initializers.he_uniform import HeUniform
from declnet_initializers.normal import Normal
from declnet_initializers.ones import Ones
from declnet_initializers.uniform import Uniform
from declnet_initializers.zeros import Zeros

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Normal",
    "Ones",
    "Uniform",
    "Zeros",
]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(Constant)
    register(GlorotNormal)
    register(GlorotUniform)
    register(HeNormal)
    register(HeUniform)
    register(Normal)
    register(Ones)
    register(Uniform)
    register(Zeros)
