"""Schedules of the learning rate, one a file."""

from declnet import Register, hookimpl
from declnet_schedules.constant import Constant
from declnet_schedules.inverse_time import InverseTime

__all__ = ["Constant", "InverseTime"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(Constant)
    register(InverseTime)
