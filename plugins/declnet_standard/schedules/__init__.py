"""Learning rate schedules, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.schedules.constant import Constant as Constant
    from declnet_standard.schedules.cosine import Cosine as Cosine
    from declnet_standard.schedules.exponential import Exponential as Exponential
    from declnet_standard.schedules.inverse_time import InverseTime as InverseTime
    from declnet_standard.schedules.one_cycle import OneCycle as OneCycle
    from declnet_standard.schedules.polynomial import Polynomial as Polynomial
    from declnet_standard.schedules.step import Step as Step
    from declnet_standard.schedules.warmup import Warmup as Warmup

SCHEDULES = {
    "constant": "Constant",
    "cosine": "Cosine",
    "exponential": "Exponential",
    "inverse_time": "InverseTime",
    "one_cycle": "OneCycle",
    "polynomial": "Polynomial",
    "step": "Step",
    "warmup": "Warmup",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in SCHEDULES.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in SCHEDULES.items():
        register.lazily("schedule", file, f"{__name__}.{file}:{name}")
