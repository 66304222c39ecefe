"""Regularizers: penalties on parameters, one a file."""

from declnet import Register, hookimpl
from declnet_regularizers.l1 import L1
from declnet_regularizers.l1_l2 import L1L2
from declnet_regularizers.l2 import L2

__all__ = ["L1", "L1L2", "L2"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(L1)
    register(L1L2)
    register(L2)
