"""Schedules of the learning rate, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_schedules.constant import Constant as Constant
    from declnet_schedules.inverse_time import InverseTime as InverseTime

SCHEDULES = {
    "constant": "Constant",
    "inverse_time": "InverseTime",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in SCHEDULES.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in SCHEDULES.items():
        register.lazily("schedule", file, f"{__name__}.{file}:{name}")
